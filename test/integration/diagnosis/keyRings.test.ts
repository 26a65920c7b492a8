/** Broken key rings: in a folder, a blob (Azurite), a Redis, and protected by a certificate or Key Vault (a stand-in). */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/freePort.ts';
import { runChecks } from '../../../src/lib/checks/runChecks.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { httpsProbe } from '../../../src/lib/findings/diagnosis/connection/httpsProbe.ts';
import { registry } from '../../../src/lib/findings/diagnosis/registry.ts';
import { keyRingSubject } from '../../../src/lib/findings/diagnosis/subjects/ringSubject.ts';
import { ringStatus } from '../../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../../src/lib/keyRing/jobs/rotate.ts';
import { KeyVaultProtector } from '../../../src/lib/keyRing/protectors/keyVault.ts';
import { type Azurite, startAzurite } from '../../support/azurite.ts';
import { certificateRing, dayMs, diagnose, type TestRing, withRings } from '../../support/diagnosis.ts';
import { startFaultProxy } from '../../support/faultProxy.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../../support/redisServer.ts';
import { plainKey } from '../../support/ringBuilder.ts';
import { fill, jobDeps, ringFolder } from '../../support/testRing.ts';
import { startVault } from '../../support/vault.ts';

const removals: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const remove of removals.splice(0)) await remove();
});

async function ring(name = 'web', validity = {}): Promise<TestRing> {
  const made = await certificateRing(name, [], validity);
  removals.push(made.remove);
  return made;
}

const blamedOf = async (settings: Record<string, string>) => (await diagnose(settings)).blamed;

describe('of a ring in a folder, the diagnosis blames', () => {
  it('nothing where it is well', async () => {
    const { report } = await diagnose(withRings({}, await ring()));
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.checks.map(({ check }) => check)).toContain('ring-default-key');
  });

  it('a folder without a key', async () => {
    const made = await ring();
    await rm(made.folder, { recursive: true });
    expect(await blamedOf(withRings({}, made))).toEqual(['ring-read: ring_empty']);
  });

  it('a backup that ends in .xml', async () => {
    const made = await ring();
    const [element] = (await made.store.read()).elements;
    await writeFile(join(made.folder, 'backup.xml'), element?.xml.reveal() ?? '');
    expect(await blamedOf(withRings({}, made))).toEqual(['ring-damage: duplicate_key']);
  });

  it('a half-written file', async () => {
    const made = await ring();
    await writeFile(join(made.folder, 'key-x.xml'), '<key id="');
    expect(await blamedOf(withRings({}, made))).toEqual(['ring-damage: element_not_well_formed']);
  });

  it('a certificate that ends soon', async () => {
    const made = await ring('web', { to: Date.now() + 10 * dayMs });
    expect(await blamedOf(withRings({}, made))).toEqual(['ring-protection: key-version-expires']);
  });

  it('a wrong password of the certificate', async () => {
    const made = await ring();
    const settings = { ...withRings({}, made), RING_PASSWORD: 'wrong-secret' };
    const { blamed, report } = await diagnose(settings);
    expect(blamed).toEqual(['ring-read: certificate_unreadable']);
    expect(JSON.stringify(report)).not.toContain('wrong-secret');
  });

  it('keys that are not protected', async () => {
    const { folder, store, remove } = await ringFolder();
    removals.push(remove);
    await rotateKeyRing(jobDeps({ store, clock: systemClock }));
    const settings = {
      name: 'web',
      mode: 'manage',
      store: { kind: 'folder', path: folder },
      protector: { kind: 'none' },
    };
    expect(await blamedOf({ KEY_RINGS: JSON.stringify([settings]) })).toEqual(['ring-protection: keys-in-plain-text']);
  });

  it('a ring that has stopped rotating', async () => {
    const made = await ring();
    await rm(made.folder, { recursive: true });
    const created = Date.now() - 100 * dayMs;
    await fill(made.store, [plainKey({ id: randomUUID(), creation: created, expiration: Date.now() - 10 * dayMs })]);
    const blamed = await blamedOf(withRings({}, made));
    expect(blamed[0]).toBe('ring-default-key: no_default_key');
  });

  it('instances that raced', async () => {
    const made = await ring();
    const now = Date.now() - 5 * dayMs;
    // Without the mark that this tool leaves.
    const key = (at: number) =>
      plainKey({ id: randomUUID(), creation: at, activation: at + 3 * dayMs }).replace(/<!-- [^>]*-->/g, '');
    await fill(made.store, [key(now), key(now + 2_000)]);
    const blamed = await blamedOf(withRings({}, made));
    // Keys that apps made themselves are not protected here either.
    expect(blamed).toEqual(['ring-protection: keys-in-plain-text', 'ring-writers: racing_keys']);
  });
});

describe('of a ring in a blob, the diagnosis blames', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
    await BlobServiceClient.fromConnectionString(azurite.connectionString()).createContainer('keys');
  });
  afterAll(() => azurite.stop());

  async function blobRing(connectionString: string, container = 'keys') {
    const made = await ring();
    const store = { kind: 'blob', connectionStringSetting: 'RING_STORE', container, blob: 'ring.xml' };
    return { ...withRings({}, { ...made, settings: { ...made.settings, store } }), RING_STORE: connectionString };
  }

  it('a container that is not there', async () => {
    const { blamed } = await diagnose(await blobRing(azurite.connectionString(), 'missing'));
    expect(blamed).toEqual(['ring-store: key_ring_container_missing']);
  });

  it('a port that is closed', async () => {
    const blamed = await blamedOf(await blobRing(azurite.connectionString(await freePort())));
    expect(blamed).toEqual(['ring-store: tcp_refused']);
  });

  it('a key of the account that is wrong', async () => {
    const wrong = Buffer.from('wrong-account-key').toString('base64');
    const text = azurite.connectionString().replace(/AccountKey=[^;]+/, `AccountKey=${wrong}`);
    const { blamed, report } = await diagnose(await blobRing(text));
    // Azurite's word for it is that of a missing role.
    expect(blamed).toEqual(['ring-store: key_ring_forbidden']);
    expect(JSON.stringify(report)).not.toContain(wrong);
  });

  it('a login that is refused', async () => {
    const proxy = await startFaultProxy(azurite.port);
    proxy.setFaults(() => ({ status: 403, code: 'AuthenticationFailed' }));
    expect(await blamedOf(await blobRing(azurite.connectionString(proxy.port)))).toEqual(['ring-store: login_failed']);
    await proxy.close();
  });

  it('a role that is missing', async () => {
    const proxy = await startFaultProxy(azurite.port);
    proxy.setFaults(() => ({ status: 403, code: 'AuthorizationPermissionMismatch' }));
    expect(await blamedOf(await blobRing(azurite.connectionString(proxy.port)))).toEqual([
      'ring-store: key_ring_forbidden',
    ]);
    await proxy.close();
  });

  it('a blob that was cut off, and not the way to it', async () => {
    const blob = BlobServiceClient.fromConnectionString(azurite.connectionString())
      .getContainerClient('keys')
      .getBlockBlobClient('ring.xml');
    await blob.uploadData(Buffer.from('<repository><key id="'));
    const { report, blamed } = await diagnose(await blobRing(azurite.connectionString()));
    await blob.delete();
    expect(blamed).toEqual(['ring-read: key_ring_damaged']);
    expect(report.checks.find(({ check }) => check === 'ring-store')?.status).toBe('pass');
  });

  it('an empty blob', async () => {
    expect(await blamedOf(await blobRing(azurite.connectionString()))).toEqual(['ring-read: ring_empty']);
  });
});

describe.skipIf(!redisFound)('of a ring in a Redis, the diagnosis blames', () => {
  afterEach(stopAllRedisServers);

  it('a wrong password', async () => {
    const server = await startRedis({ args: ['--requirepass', 'right'], client: { password: 'right' } });
    const made = await ring();
    const store = { kind: 'redis', connectionStringSetting: 'RING_STORE' };
    const settings = {
      ...withRings({}, { ...made, settings: { ...made.settings, store } }),
      RING_STORE: `127.0.0.1:${server.port},abortConnect=False,password=wrong-secret`,
    };
    expect(await blamedOf(settings)).toEqual(['ring-store: login_failed']);
  });
});

describe('of a ring protected by Key Vault, the diagnosis blames', () => {
  /** The stand-in is reached with the test's own client, which trusts its certificate. */
  async function vaultRing(change: (vault: Awaited<ReturnType<typeof startVault>>, version: string) => void) {
    const vault = await startVault();
    const { store, remove } = await ringFolder();
    removals.push(remove, () => vault.close());
    const version = vault.addVersion({
      created: new Date(Date.now() - 60 * dayMs),
      expires: new Date(Date.now() + 300 * dayMs),
    });
    const protector = new KeyVaultProtector(vault);
    const deps = jobDeps({ store, clock: systemClock, protector });
    await rotateKeyRing(deps);
    change(vault, version);
    const subject = keyRingSubject({
      name: 'web',
      store: undefined,
      protector: {
        probe: httpsProbe({
          kind: 'Key Vault',
          url: new URL(vault.keyId),
          ca: vault.certificate,
          request: async () => void (await protector.versions()),
        }),
      },
      status: () => ringStatus(deps),
      clock: systemClock,
      signal: new AbortController().signal,
    });
    const checks = await runChecks({ subject: 'key ring web', checks: registry.ring, of: subject }, systemClock);
    return checks
      .filter(({ status }) => status !== 'pass' && status !== 'unknown')
      .map(({ check, cause }) => `${check}: ${cause}`);
  }

  it('nothing where it is well', async () => {
    expect(await vaultRing(() => undefined)).toEqual([]);
  });

  it('a version that is disabled', async () => {
    const blamed = await vaultRing((vault, version) => vault.change(version, { enabled: false }));
    expect(blamed).toEqual([expect.stringMatching(/^ring-default-key: /), expect.stringMatching(/^ring-protection: /)]);
  });

  it('a version that expires soon', async () => {
    const blamed = await vaultRing((vault, version) =>
      vault.change(version, { expires: new Date(Date.now() + 5 * dayMs) }),
    );
    expect(blamed).toEqual(['ring-protection: key-version-expires']);
  });

  it('a role that is missing', async () => {
    const blamed = await vaultRing((vault) => vault.setFaults(() => ({ status: 403, code: 'ForbiddenByRbac' })));
    expect(blamed).toEqual(['ring-protector: key_vault_forbidden']);
  });

  it('a vault that cannot be reached', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'no-vault-'));
    removals.push(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const settings = {
      name: 'web',
      store: { kind: 'folder', path: folder },
      protector: { kind: 'keyVault', keyId: `https://127.0.0.1:${port}/keys/data-protection` },
    };
    const { report } = await diagnose({ KEY_RINGS: JSON.stringify([settings]) }, { rings: ['web'] });
    const blamed = report.checks.filter(({ subject, status }) => subject === 'key ring web' && status === 'critical');
    expect(blamed.map(({ check, cause }) => `${check}: ${cause}`)).toEqual(['ring-protector: tcp_refused']);
  });
});
