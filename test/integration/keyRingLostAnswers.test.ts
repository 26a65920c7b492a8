/** Stores that fall silent around a write: what the run tells of what it wrote, by a clock that runs fast from then on. */
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { Patience } from '../../src/lib/keyRing/patience.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { BlobStore } from '../../src/lib/keyRing/stores/blob.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { type Azurite, startAzurite } from '../support/azurite.ts';
import { memoryRecords } from '../support/memoryRecords.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
import { day, idFrom, plainKey, ringOf } from '../support/ringBuilder.ts';
import { createRingTable, postgresTableRing } from '../support/tableRing.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { jobDeps, turnableClock } from '../support/testRing.ts';

let proxy: TcpProxy;
/** Resolved when the line is dead. */
let dead: PromiseWithResolvers<void>;
let clock: Clock;
beforeEach(() => {
  dead = Promise.withResolvers();
  const fast = turnableClock(Date.now());
  const sleep = async (ms: number, signal?: AbortSignal) => {
    await Promise.race([dead.promise, delay(ms, undefined, { signal }).catch(() => undefined)]);
    await fast.sleep(ms);
  };
  clock = { ...fast, sleep };
});
afterEach(() => proxy.close());

/** A line that goes dead at the `count`-th answer of this form, which arrives yet or does not. */
async function silentAt(port: number, form: RegExp, arrives: boolean, count = 1): Promise<void> {
  let seen = 0;
  proxy = await startTcpProxy(port, (chunk, pass) => {
    const isIt = form.test(chunk?.toString('latin1') ?? '') && ++seen === count;
    if (!isIt || arrives) pass(chunk);
    if (!isIt) return;
    proxy.blackHole();
    dead.resolve();
  });
}

/** The end of a transaction. */
const executed = /QUEUED\r\n\*\d/;
const committed = /COMMIT/;
const created = /^HTTP\/1.1 201/;
const statusFirst = expect.stringContaining('Look at the ring with `key-ring status` before you try again.');

describe.skipIf(!redisFound)('a ring in Redis that falls silent right after a write', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.client.flushall();
    const ages = [400, 80];
    await server.client.rpush(
      'keys',
      ...ages.map((d, at) => plainKey({ id: idFrom(at + 1), creation: Date.now() - d * day })),
    );
  });

  const records = memoryRecords();
  const rings = () => {
    const store = { kind: 'redis', connectionStringSetting: 'REDIS', key: 'keys' };
    const ring = { name: 'web', mode: 'manage', pruneAfter: 'P30D', store, protector: { kind: 'none' } };
    const settings = readSettings({ KEY_RINGS: JSON.stringify([ring]), REDIS: `127.0.0.1:${proxy.port}` }, 'table');
    return new Maintenance(settings, () => undefined, records, clock).keyRings;
  };
  const ring = async () => ringOf(await server.client.lrange('keys', 0, -1));

  it('has the published key in the record of the failed rotation', async () => {
    await silentAt(server.port, executed, true);
    const { runId } = await rings().rotate('web', 'timer');
    const [, , published] = (await ring()).keys;
    expect(await records.getRun(runId)).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'key_ring_unavailable',
        message: expect.stringMatching(/^The change was written, /),
        advice: statusFirst,
      },
      report: { outcome: 'published', keys: [{ id: published?.id }], status: { nextKey: published?.id } },
    });
  });

  it('has the successor and the revoked keys in the record of the failed revocation', async () => {
    // The first transaction makes the copy.
    await silentAt(server.port, executed, true, 2);
    const request = { target: { createdBefore: undefined }, reason: 'leak', confirm: 'web' };
    const { runId } = await rings().revoke('web', 'cli', request);
    const { keys, revocations } = await ring();
    expect([keys.length, revocations.length]).toEqual([3, 1]);
    expect(await records.getRun(runId)).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'key_ring_unavailable',
        message: expect.stringMatching(/^The change was written, /),
        advice: statusFirst,
      },
      report: {
        outcome: 'revoked',
        keys: [idFrom(1), idFrom(2)],
        successor: { id: keys[2]?.id },
        copy: expect.stringContaining(':backup:'),
      },
    });
  });

  it('has the removed keys in the record of the failed prune', async () => {
    await silentAt(server.port, executed, true, 2);
    const { runId } = await rings().prune('web', 'cli');
    expect((await ring()).keys.map(({ id }) => id)).toEqual([idFrom(2)]);
    const report = { outcome: 'pruned', keys: [idFrom(1)] };
    expect(await records.getRun(runId)).toMatchObject({ outcome: 'failed', report });
  });
});

describe.skipIf(!redisFound)('a store that is silent on a write', () => {
  const database = useTestDatabase();
  let azurite: Azurite;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    [azurite, redis] = await Promise.all([startAzurite(), startRedis()]);
    await database.query(createRingTable('"DataProtectionKeys"'));
    await new ContainerClient(azurite.connectionString(), 'keys').create();
  });
  afterAll(() => Promise.all([azurite.stop(), redis.stop()]));

  const throughProxy = () => Object.assign(new URL(database.url), { port: String(proxy.port) }).href;
  const stores: [string, RegExp, () => number, (patience: Patience) => KeyRingStore][] = [
    ['Redis', executed, () => redis.port, (patience) => redisRing(`127.0.0.1:${proxy.port}`, 'keys', {}, patience)],
    [
      'PostgreSQL',
      committed,
      () => Number(new URL(database.url).port),
      (patience) => postgresTableRing(throughProxy(), undefined, patience),
    ],
    [
      'a storage account',
      created,
      () => azurite.port,
      (patience) =>
        new BlobStore(new ContainerClient(azurite.connectionString(proxy.port), 'keys'), 'keys.xml', patience),
    ],
  ];

  it.each(stores)('leaves it unknown whether it was done, which the error says: %s', async (_, form, port, open) => {
    await silentAt(port(), form, false);
    const store = open(new Patience({ clock }));
    await expect(rotateKeyRing(jobDeps({ store, clock }))).rejects.toMatchObject({
      code: 'key_ring_unavailable',
      message: expect.stringMatching(/^The change may have been written: /),
      advice: statusFirst,
    });
    await proxy.close();
    await store.close();
  });
});
