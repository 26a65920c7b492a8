/** Every protector of key rings: certificates, and Key Vault by the real client against an endpoint of the test's own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import { KeyVaultProtector } from '../../src/lib/keyRing/protectors/keyVault.ts';
import { secretOf } from '../../src/lib/keyRing/reading/ringXml.ts';
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
