/** Stores and vaults that take a connection and never answer: what they cost a run, by a clock that is turned. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { Patience } from '../../src/lib/keyRing/patience.ts';
import { loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import { KeyVaultProtector } from '../../src/lib/keyRing/protectors/keyVault.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { BlobStore } from '../../src/lib/keyRing/stores/blob.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { redisRing } from '../support/redisRing.ts';
import { day } from '../support/ringBuilder.ts';
import { postgresTableRing, sqlServerTableRing } from '../support/tableRing.ts';
import { jobDeps, ringFolder, turnableClock } from '../support/testRing.ts';
import { startVault, type Vault } from '../support/vault.ts';

const mostMs = 30_000;

describe('a store that never answers', () => {
  let server: Server;
  let port: number;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = address && typeof address === 'object' ? address.port : 0;
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
  });

  const account = () =>
    `DefaultEndpointsProtocol=http;AccountName=silent;AccountKey=${Buffer.from('key').toString('base64')};BlobEndpoint=http://127.0.0.1:${port}/silent;`;
  const stores: [string, (patience: Patience) => KeyRingStore][] = [
    ['a storage account', (patience) => new BlobStore(new ContainerClient(account(), 'keys'), 'keys.xml', patience)],
    ['a Redis', (patience) => redisRing(`127.0.0.1:${port}`, 'keys', {}, patience)],
    ['a Redis with a password', (patience) => redisRing(`127.0.0.1:${port},password=secret-1`, 'keys', {}, patience)],
    ['a Redis by TLS', (patience) => redisRing(`127.0.0.1:${port},ssl=True`, 'keys', {}, patience)],
    [
      'a Redis of two endpoints',
      (patience) => redisRing(`127.0.0.1:${port},localhost:${port},password=secret-1`, 'keys', {}, patience),
    ],
    [
      'a PostgreSQL',
      (patience) => postgresTableRing(`Host=127.0.0.1;Port=${port};Username=u;Password=p`, undefined, patience),
    ],
    [
      'a PostgreSQL of two hosts',
      (patience) =>
        postgresTableRing(`Host=127.0.0.1:${port},localhost:${port};Username=u;Password=p`, undefined, patience),
    ],
    [
      'a SQL Server',
      (patience) => sqlServerTableRing(`Server=127.0.0.1,${port};User ID=u;Password=p`, undefined, patience),
    ],
  ];

  describe.each(stores)('%s', (_, open) => {
    it.each(['rotate', 'status', 'revoke'])('costs 30 s at most: %s', async (job) => {
      const clock = turnableClock(Date.now());
      const deps = jobDeps({ store: open(new Patience({ clock })), clock });
      const request = { target: { createdBefore: undefined }, reason: 'test', confirm: 'web' };
      const run =
        job === 'rotate' ? rotateKeyRing(deps) : job === 'status' ? ringStatus(deps) : revokeKeys(deps, 'web', request);
      await expect(run).rejects.toMatchObject({ code: 'key_ring_unavailable' });
      expect(sockets.length).toBeGreaterThan(1);
      expect(clock.elapsed()).toBeLessThanOrEqual(mostMs);
      // A driver that still connects is waited for.
      for (const socket of sockets.splice(0)) socket.destroy();
      await deps.store.close();
    });
  });

  it('does not keep a ring from the server beside it', async () => {
    const { startRedis, stopAllRedisServers } = await import('../support/redisServer.ts');
    const healthy = await startRedis({ args: ['--requirepass', 'secret-1'], client: { password: 'secret-1' } });
    const store = redisRing(
      `127.0.0.1:${port},${healthy.node},password=secret-1`,
      'keys',
      {},
      new Patience({ eachMs: 2_000 }),
    );
    expect(await store.read()).toMatchObject({ exists: false });
    await store.close();
    await stopAllRedisServers();
  });
});

describe('a vault that never answers', () => {
  let vault: Vault;
  let store: FolderStore;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    vault = await startVault();
    ({ store, remove } = await ringFolder());
  });
  afterEach(async () => {
    await vault.close();
    await remove();
  });

  it('costs 30 s at most, however many keys there are to try', async () => {
    vault.addVersion({ created: new Date(Date.now() - 400 * day) });
    const clock = turnableClock(Date.now() - 320 * day);
    const policy = { rewrapAfterMs: undefined };
    for (let turn = 0; turn < 5; turn += 1) {
      await rotateKeyRing(jobDeps({ store, clock, policy, protector: new KeyVaultProtector(vault) }));
      clock.turn(80 * day);
    }
    vault.setFaults(() => 'silence');
    const silent = () => {
      const own = turnableClock(clock.now().getTime());
      const protector = new KeyVaultProtector({ ...vault, patience: new Patience({ clock: own }) });
      return { ...jobDeps({ store, clock: own, protector, policy: { prune: true } }), clock: own };
    };
    const looking = silent();
    const { keys } = await ringStatus(looking);
    expect(keys.length).toBeGreaterThan(3);
    expect(keys.every(({ unwraps }) => unwraps === null)).toBe(true);
    expect(looking.clock.elapsed()).toBeLessThanOrEqual(mostMs);
    const rotating = silent();
    await rotateKeyRing(rotating).catch((error) => expect(error).toMatchObject({ code: 'key_vault_unavailable' }));
    expect(rotating.clock.elapsed()).toBeLessThanOrEqual(mostMs);
  });
});

describe('a file that never answers', () => {
  it('is given up, as a certificate', async () => {
    const { folder, store, remove } = await ringFolder();
    await store.write(await store.read(), { add: [], replace: [], remove: [] });
    const path = join(folder, 'certificate.pem');
    execFileSync('mkfifo', [path]);
    const loading = loadCertificate({ path }, new Patience({ allMs: 50 }));
    await expect(loading).rejects.toThrow('it could not be read in time');
    // Lets go of the reader.
    await writeFile(path, '');
    await remove();
  });

  it('is given up, as a ring', async () => {
    const { folder, remove } = await ringFolder();
    const given = new FolderStore(folder, new Patience({ allMs: 0 }));
    await expect(given.read()).rejects.toMatchObject({ code: 'key_ring_unavailable', transient: false });
    await remove();
  });
});
