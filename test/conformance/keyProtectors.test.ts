/** Every protector of key rings: certificates, and Key Vault by the real client against an endpoint of the test's own. */
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import { KeyVaultProtector } from '../../src/lib/keyRing/protectors/keyVault.ts';
import { encryptedSecretXml, masterKeyXml, secretOf } from '../../src/lib/keyRing/reading/ringXml.ts';
import { parseSealed, SealedXml } from '../../src/lib/keyRing/reading/xml.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { Secret } from '../../src/lib/secret.ts';
import { loadPfx, selfSigned } from '../support/certificates.ts';
import { root } from '../support/childProcess.ts';
import { jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';
import { startVault } from '../support/vault.ts';
import { protectorConformance } from './keyProtector.ts';

protectorConformance('a certificate', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  const [older, newer] = [selfSigned('older'), selfSigned('newer')];
  await writeFile(join(folder, 'older.pfx'), older.pfx);
  await writeFile(join(folder, 'newer.pem'), `${newer.certificatePem}\n${newer.keyPem}`);
  const first = await loadPfx({ path: join(folder, 'older.pfx') });
  return {
    open: () => new CertificateProtector([first]),
    renew: async () => new CertificateProtector([await loadCertificate({ path: join(folder, 'newer.pem') }), first]),
    remove: () => rm(folder, { recursive: true }),
  };
});

protectorConformance('Key Vault', async () => {
  const vault = await startVault();
  vault.addVersion({ created: new Date(Date.now() - 30 * 86_400_000) });
  const open = () => new KeyVaultProtector(vault);
  return {
    open,
    renew: async () => {
      vault.addVersion();
      return open();
    },
    remove: () => vault.close(),
  };
});

describe('Key Vault', () => {
  const iv = randomBytes(16);
  /** As AzureKeyVaultXmlDecryptor takes it: AES by the length of the content key, base64 in lines, and the value as a document of its own. */
  it.each([
    ['AES-128', 16, (text: string) => text],
    ['AES-256', 32, (text: string) => text],
    ['AES-256, and a byte order mark', 32, (text: string) => `\ufeff<?xml version="1.0" encoding="utf-8"?>${text}`],
  ])('reads a value of %s', async (_, keyBytes, form) => {
    const vault = await startVault();
    try {
      const id = vault.addVersion();
      const contentKey = randomBytes(keyBytes);
      const cipher = createCipheriv(`aes-${keyBytes * 8}-cbc`, contentKey, iv);
      const plain = masterKeyXml(randomBytes(64)).reveal();
      const value = Buffer.concat([cipher.update(form(plain)), cipher.final()]);
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const wrapped = publicEncrypt({ key: createPublicKey(vault.pem(id)), padding }, contentKey);
      const lines = (bytes: Buffer) => bytes.toString('base64').replace(/.{40}/g, '$&\n');
      const secret = encryptedSecretXml(
        'Azure.Extensions.AspNetCore.DataProtection.Keys.AzureKeyVaultXmlDecryptor, Azure.Extensions.AspNetCore.DataProtection.Keys',
        `<encryptedKey xmlns=""><kid>${id}</kid><key>${lines(wrapped)}</key><iv>${lines(iv)}</iv><value>${lines(value)}</value></encryptedKey>`,
      );
      const protector = new KeyVaultProtector(vault);
      expect(parseSealed(await protector.unprotect(secret)).text).toBe(parseSealed(new SealedXml(plain)).text);
      const damaged = new SealedXml(secret.reveal().replace(/<value>.{6}/s, '$&!'));
      await expect(protector.unprotect(damaged)).rejects.toMatchObject({ code: 'key_unreadable' });
    } finally {
      await vault.close();
    }
  });
});

describe('a certificate', () => {
  const fixtures = join(root, 'test/fixtures/key-ring');
  const keys = async () =>
    (await new FolderStore(join(fixtures, 'certificate/keys')).read()).elements.filter(({ place }) =>
      place.startsWith('key-'),
    );

  it.each([
    ['a PFX of .NET', { path: join(fixtures, 'certificate.pfx'), password: new Secret('fixture') }],
    ['PEM files', { path: join(fixtures, 'certificate.pem'), keyPath: join(fixtures, 'certificate.key.pem') }],
  ])('from %s reads the keys that ASP.NET Core protected', async (_kind, file) => {
    const protector = new CertificateProtector([await loadCertificate(file)]);
    for (const { xml } of await keys()) {
      const secret = secretOf(xml);
      if (!secret) throw new Error('no secret');
      expect((await protector.unprotect(secret)).reveal()).toMatch(
        /^<masterKey [^>]*>.*<value>[A-Za-z0-9+/]{86}==<\/value><\/masterKey>$/s,
      );
    }
  });

  it('without its private key proves nothing, and says what is missing', async () => {
    const protector = new CertificateProtector([await loadCertificate({ path: join(fixtures, 'certificate.pem') })]);
    const [key] = await keys();
    const secret = key && secretOf(key.xml);
    if (!secret) throw new Error('no secret');
    await expect(protector.unprotect(secret)).rejects.toMatchObject({ code: 'certificate_without_key' });
    await expect(protector.rewrap(secret)).resolves.toBeUndefined();
    const { store, remove } = await ringFolder();
    try {
      const deps = jobDeps({ store, clock: turnableClock(Date.now()), protector });
      await expect(rotateKeyRing(deps)).rejects.toMatchObject({ code: 'certificate_without_key' });
      expect((await store.read()).elements).toEqual([]);
    } finally {
      await remove();
    }
  });

  it('that is not configured leaves open whether the key can be read', async () => {
    const other = selfSigned('other');
    const folder = await mkdtemp(join(tmpdir(), 'certificates-'));
    try {
      await writeFile(join(folder, 'other.pfx'), other.pfx);
      const protector = new CertificateProtector([await loadPfx({ path: join(folder, 'other.pfx') })]);
      const [key] = await keys();
      const secret = key && secretOf(key.xml);
      if (!secret) throw new Error('no secret');
      await expect(protector.unprotect(secret)).rejects.toMatchObject({ code: 'key_protected_otherwise' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['is not there', { path: '/nowhere/at-all.pfx' }],
    ['has another password', { path: join(fixtures, 'certificate.pfx'), password: new Secret('secret-7') }],
    ['is not a certificate', { path: join(fixtures, 'plain/keys.xml') }],
  ])('that %s is refused without its password', async (_kind, file) => {
    const error = (await loadCertificate(file).catch((reason: unknown) => reason)) as { code: string; message: string };
    expect(error.code).toBe('certificate_unreadable');
    expect(JSON.stringify(error)).not.toContain('secret-7');
  });
});
