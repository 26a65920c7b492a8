/** Which keys the entries of a Redis cache name, on real servers; and what revoke and prune make of it. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import {
  type EntryLimits,
  type RedisEntriesOptions,
  redisKeyUse,
} from '../../src/lib/keyRing/entries/redisCachedEntries.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import type { LineOptions } from '../../src/lib/redis/line/ioredisLine.ts';
import { openNode } from '../../src/lib/redis/line/ioredisNode.ts';
import { startCluster } from '../support/redisCluster.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';
import { jobDeps } from '../support/testRing.ts';

const limits: EntryLimits = { timeMs: 20_000, bytes: 2 ** 26, entryBytes: 2 ** 16, keysPerCall: 50 };
const noExpiry = '-1';

function keyUseOf(connectionString: string, changes: Partial<RedisEntriesOptions> = {}) {
  const connection = parseConnectionString(connectionString);
  const { user, password } = connection;
  const options: LineOptions = {
    ...connection,
    ca: undefined,
    timeoutMs: 5_000,
    login: async () => ({ user, password }),
  };
  return redisKeyUse({
    cache: 'web',
    endpoints: connection.endpoints,
    connect: (endpoint, signal) => openNode(endpoint, options, signal),
    open: (endpoint, signal) => openNode(endpoint, options, signal),
    instanceName: 'web:',
    ringKeys: ['DataProtection-Keys'],
    timeoutMs: 5_000,
    clock: systemClock,
    limits,
    ...changes,
  });
}

/** Entries that the key of this number protects. */
async function write(client: Pick<Redis, 'hset'>, key: number, count: number, size = 500, prefix = 'web:') {
  const data = Buffer.concat([Buffer.from(headerOf(idFrom(key)), 'hex'), Buffer.alloc(size, 'x')]);
  for (let index = 0; index < count; index += 1)
    await client.hset(`${prefix}${key}-${index}`, { absexp: noExpiry, sldexp: noExpiry, data });
}

const ticks = (date: number) => String(BigInt(Math.round(date)) * 10_000n + 621_355_968_000_000_000n);

describe.skipIf(!redisFound)('the keys that entries of a Redis cache name', () => {
  afterEach(stopAllRedisServers);

  it('are counted where every entry was looked at', async () => {
    const { client, node } = await startRedis();
    await write(client, 1, 120);
    await write(client, 2, 30);
    await write(client, 3, 7, 500, 'api:');
    await client.hset('web:plain', 'data', '{"AccessToken":{}}');
    await client.hset('web:no-entry', 'value', 'x');
    await client.set('web:string', 'x');
    await client.rpush('DataProtection-Keys', '<key/>');
    const use = await keyUseOf(node);
    expect(use).toMatchObject({ cache: 'web', complete: true, longestLivedUntil: undefined });
    expect([...(use?.entries ?? [])].sort()).toEqual([
      [idFrom(1), 120],
      [idFrom(2), 30],
    ]);
    const everything = await keyUseOf(node, { instanceName: '' });
    expect(everything?.entries.get(idFrom(3))).toBe(7);
  });

  it('are told from a sample where the limits end the look, and named all the same', async () => {
    const { client, node } = await startRedis();
    await write(client, 1, 900);
    await write(client, 2, 300);
    const use = await keyUseOf(node, { limits: { ...limits, bytes: 100_000 } });
    expect(use?.complete).toBe(false);
    const [first = 0, second = 0] = [use?.entries.get(idFrom(1)), use?.entries.get(idFrom(2))];
    expect(first + second).toBeGreaterThan(900);
    expect(first + second).toBeLessThan(1_600);
    expect(first).toBeGreaterThan(second);
  });

  it('do not cost the reading of large entries: each of these may name any key', async () => {
    const { client, node } = await startRedis();
    await write(client, 1, 10);
    await write(client, 2, 10, 100_000);
    const before = await bytesSent(client);
    const use = await keyUseOf(node);
    expect((await bytesSent(client)) - before).toBeLessThan(100_000);
    expect(use).toMatchObject({ complete: false, unread: 10 });
    expect(use?.entries.get(idFrom(1))).toBe(10);
  });

  it('are found on every primary of a cluster', async () => {
    const nodes = await startCluster();
    const client = new Redis.Cluster([{ host: '127.0.0.1', port: nodes[0].port }]);
    await write(client, 1, 150);
    client.disconnect();
    const use = await keyUseOf(nodes[2].node);
    expect(use).toMatchObject({ complete: true });
    expect(use?.entries.get(idFrom(1))).toBe(150);
  });

  it('live as long as their expiry, or the absolute one of those that slide', async () => {
    const { client, node } = await startRedis();
    const until = async () => (await keyUseOf(node)).longestLivedUntil?.getTime() ?? 0;
    await write(client, 1, 3);
    await client.expire('web:1-0', 3_600);
    expect(Math.abs((await until()) - Date.now() - 3_600_000)).toBeLessThan(60_000);
    await client.hset('web:1-0', 'absexp', ticks(Date.now() + 20 * day));
    expect(Math.abs((await until()) - Date.now() - 20 * day)).toBeLessThan(60_000);
    await client.hset('web:1-1', 'absexp', '3155378975999999999');
    expect(Math.abs((await until()) - Date.now() - 20 * day)).toBeLessThan(60_000);
  });

  it('need the rights of the runbook', async () => {
    const { client, node } = await startRedis();
    await write(client, 1, 5);
    const rights = ['+info', '+dbsize', '+scan', '+hstrlen', '+hmget', '+pttl'];
    await client.call('ACL', 'SETUSER', 'reading', 'on', '>pw-reading', '~web:*', '-@all', ...rights);
    const use = await keyUseOf(`${node},user=reading,password=pw-reading`);
    expect(use?.entries.get(idFrom(1))).toBe(5);
    await client.call('ACL', 'SETUSER', 'reading', '-hmget');
    await expect(keyUseOf(`${node},user=reading,password=pw-reading`)).rejects.toMatchObject({
      code: 'redis_command_refused',
      advice: expect.stringContaining('+hmget'),
    });
  });

  it('count in the plan of a revocation, and keep a key from being pruned', async () => {
    const { client, node } = await startRedis();
    const now = Date.now();
    await client.rpush(
      'DataProtection-Keys',
      plainKey({ id: idFrom(1), creation: now - 600 * day }),
      plainKey({ id: idFrom(2), creation: now - 500 * day }),
      plainKey({ id: idFrom(3), creation: now - 10 * day }),
    );
    await write(client, 1, 4);
    await write(client, 3, 6);
    const store = redisRing(node);
    const deps = {
      ...jobDeps({ store, clock: systemClock, policy: { pruneAfterMs: 365 * day } }),
      keyUse: async () => [await keyUseOf(node)],
    };
    try {
      expect(
        await revokeKeys(deps, 'web', { target: { key: idFrom(3) }, reason: 'test', confirm: undefined }),
      ).toMatchObject({ outcome: 'planned', unreadableEntries: { count: 6, estimated: false } });
      expect(await pruneKeyRing(deps, { dryRun: true })).toMatchObject({
        keys: [idFrom(2)],
        keptForEntries: [{ id: idFrom(1), entries: 4 }],
        expiredFor: 'P365D',
        longestLivedUntil: null,
      });
      await client.pexpire('web:3-0', 450 * day);
      const patient = await pruneKeyRing(deps, { dryRun: true });
      expect(patient).toMatchObject({ outcome: 'nothingToDo', keys: [] });
      expect(patient.expiredFor).toMatch(/^P4(49|50)D/);
      expect(patient.longestLivedUntil).toMatch(/^\d{4}-/);
    } finally {
      await store.close();
    }
  });
});

async function bytesSent(client: Redis): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1]);
}
