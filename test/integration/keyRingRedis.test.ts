/** Rings in a Redis list: lost answers, apps that push meanwhile, wrong passwords, and what lies beside the ring. */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import type { RedisStore } from '../../src/lib/keyRing/stores/redis.ts';
import { entraLogin } from '../../src/lib/redis/entraLogin.ts';
import { startCluster } from '../support/redisCluster.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { day, idFrom, plainKey, ringOf } from '../support/ringBuilder.ts';
import { jobDeps, turnableClock } from '../support/testRing.ts';

const key = 'DataProtection-Keys';
const now = Date.now();
const clock = turnableClock(now);
const aged = plainKey({ id: idFrom(1), creation: now - 80 * day });

describe.skipIf(!redisFound)('a ring in Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  let app: Redis;
  let proxy: Server;
  /** Cuts the line once when this text passes to the server, after it got there. */
  let cutAfter: string | undefined;
  const stores: RedisStore[] = [];

  beforeAll(async () => {
    server = await startRedis();
    app = new Redis(server.port, '127.0.0.1');
    proxy = createServer((client) => {
      const target = connect(server.port, '127.0.0.1');
      client.on('data', (chunk) => {
        target.write(chunk);
        if (!cutAfter || !chunk.toString('latin1').toLowerCase().includes(cutAfter)) return;
        cutAfter = undefined;
        target.once('data', () => client.resetAndDestroy());
      });
      target.on('data', (chunk) => client.destroyed || client.write(chunk));
      for (const [from, to] of [
        [client, target],
        [target, client],
      ] as const) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  afterAll(async () => {
    app.disconnect();
    proxy.close();
    await server.stop();
  });
  beforeEach(async () => {
    cutAfter = undefined;
    await app.flushall();
    await app.rpush(key, aged);
    await app.hset('entry', { data: 'x', absexp: '-1', sldexp: '-1' });
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  const open = (options = '') => {
    const address = proxy.address();
    if (!address || typeof address === 'string') throw new Error('no port');
    const store = redisRing(`127.0.0.1:${address.port}${options}`, key);
    stores.push(store);
    return store;
  };
  const deps = (store = open()) => jobDeps({ store, clock, policy: { pruneAfterMs: 10 * day } });
  const ids = async () => ringOf(await app.lrange(key, 0, -1)).keys.map(({ id }) => id);

  it('rotates, and touches neither the entries beside it nor its having no TTL', async () => {
    const { keys } = await rotateKeyRing(deps());
    expect(await ids()).toEqual([idFrom(1), keys[0]?.id]);
    expect(await app.ttl(key)).toBe(-1);
    expect(await app.hget('entry', 'data')).toBe('x');
  });

  it('gets over a write whose answer is lost, with one new key', async () => {
    cutAfter = 'exec';
    const { outcome, keys } = await rotateKeyRing(deps());
    expect(outcome).toBe('published');
    expect(cutAfter).toBeUndefined();
    expect(await ids()).toEqual([idFrom(1), keys[0]?.id]);
  });

  it('gets over a line that is cut while it reads', async () => {
    cutAfter = 'lrange';
    expect(await rotateKeyRing(deps())).toMatchObject({ outcome: 'published' });
    expect(await ids()).toHaveLength(2);
  });

  it('revokes and publishes the successor in one transaction', async () => {
    cutAfter = 'exec';
    const report = await revokeKeys(deps(), 'web', {
      target: { createdBefore: undefined },
      reason: 'test',
      confirm: 'web',
    });
    const ring = ringOf(await app.lrange(key, 0, -1));
    expect(ring.keys.map(({ id }) => id)).toEqual([idFrom(1), report.successor?.id]);
    expect(ring.revocations).toHaveLength(1);
  });

  it('loses nothing to two runs at once', async () => {
    const outcomes = await Promise.all([rotateKeyRing(deps()), rotateKeyRing(deps())]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['nothingToDo', 'published']);
    expect(await ids()).toHaveLength(2);
  });

  it('prunes, and keeps a copy under another name', async () => {
    await app.lpush(key, plainKey({ id: idFrom(7), creation: now - 200 * day }));
    const before = await app.lrange(key, 0, -1);
    const { copy, keys } = await pruneKeyRing(deps(), {});
    expect(keys).toEqual([idFrom(7)]);
    expect(await ids()).toEqual([idFrom(1)]);
    expect(await app.lrange(copy ?? '', 0, -1)).toEqual(before);
  });

  it('says that the password is wrong, without it', async () => {
    await app.config('SET', 'requirepass', 'right-password');
    try {
      const error = await ringStatus(deps(open(',password=secret-9'))).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'key_ring_forbidden' });
      expect(`${JSON.stringify(error)}${error}`).not.toContain('secret-9');
    } finally {
      await app.config('SET', 'requirepass', '');
    }
  });

  it('says that something else than a list stands under the key', async () => {
    await app.set('not-a-ring', 'x');
    const store = redisRing(`127.0.0.1:${server.port}`, 'not-a-ring');
    stores.push(store);
    const run = ringStatus(deps(store));
    await expect(run).rejects.toMatchObject({ code: 'key_ring_damaged' });
    await expect(run).rejects.toThrow(/is not a list \(WRONGTYPE\)/);
  });

  it('says that an item begins with a byte order mark, on which every app stops', async () => {
    await app.rpush('with-bom', `\ufeff<key id="x" version="1" />`);
    const store = redisRing(`127.0.0.1:${server.port}`, 'with-bom');
    stores.push(store);
    const { findings } = await ringStatus(deps(store));
    expect(findings.find(({ check }) => check === 'element_not_well_formed')?.what).toContain(
      'begins with a byte order mark',
    );
  });

  it('says that nobody answers', async () => {
    const store = redisRing('127.0.0.1:1', key);
    stores.push(store);
    await expect(ringStatus(deps(store))).rejects.toMatchObject({ code: 'key_ring_unavailable' });
  });
});

describe.skipIf(!redisFound)('a ring in a cluster, in a replica pair, or behind Entra', () => {
  const stores: RedisStore[] = [];
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await stopAllRedisServers();
  });
  const open = (...args: Parameters<typeof redisRing>) => {
    const store = redisRing(...args);
    stores.push(store);
    return store;
  };
  const deps = (store: RedisStore) => jobDeps({ store, clock, policy: { pruneAfterMs: 10 * day } });

  it('is found on the node of the cluster that holds it, whichever is named; its copy lies beside it', async () => {
    const nodes = await startCluster();
    const client = new Redis.Cluster([{ host: '127.0.0.1', port: nodes[0].port }]);
    try {
      await client.rpush(key, plainKey({ id: idFrom(7), creation: now - 200 * day }), aged);
      const before = await client.lrange(key, 0, -1);
      for (const { node } of nodes) expect((await ringStatus(deps(open(node)))).keys).toHaveLength(2);
      const outcomes = await Promise.all(nodes.map(({ node }) => rotateKeyRing(deps(open(node)))));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['nothingToDo', 'nothingToDo', 'published']);
      expect(ringOf(await client.lrange(key, 0, -1)).keys).toHaveLength(3);
      const { copy, keys } = await pruneKeyRing(deps(open(nodes[0].node)), {});
      expect(keys).toEqual([idFrom(7)]);
      expect((await client.lrange(copy ?? '', 0, -1)).slice(0, 2)).toEqual(before);
    } finally {
      client.disconnect();
    }
  });

  it('moves with its slot from one node to another between two runs', async () => {
    const nodes = await startCluster();
    const client = new Redis.Cluster([{ host: '127.0.0.1', port: nodes[0].port }]);
    await client.rpush(key, aged);
    client.disconnect();
    const store = open(nodes[0].node);
    expect((await ringStatus(deps(store))).keys).toHaveLength(1);
    const slot = Number(await nodes[0].client.call('CLUSTER', 'KEYSLOT', key));
    const ids = await Promise.all(nodes.map(({ client: own }) => own.call('CLUSTER', 'MYID')));
    const counts = await Promise.all(nodes.map(({ client: own }) => own.dbsize()));
    const [source, target] = [counts.indexOf(1), (counts.indexOf(1) + 1) % 3];
    await nodes[target]?.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(ids[source]));
    await nodes[source]?.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(ids[target]));
    await nodes[source]?.client.call('MIGRATE', '127.0.0.1', nodes[target]?.port ?? 0, key, 0, 5_000);
    for (const index of [target, source])
      await nodes[index]?.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[target]));
    expect((await rotateKeyRing(deps(store))).outcome).toBe('published');
    expect(await nodes[target]?.client.llen(key)).toBe(2);
  });

  it('is written on the primary where a replica is named first', async () => {
    const primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    await primary.client.rpush(key, aged);
    await expect.poll(() => replica.client.llen(key), { timeout: 15_000 }).toBe(1);
    expect((await rotateKeyRing(deps(open(`${replica.node},${primary.node}`)))).outcome).toBe('published');
    expect(await primary.client.llen(key)).toBe(2);
  });

  it('takes an Entra token as the password, and the object id in it as the user', async () => {
    const { client, node } = await startRedis();
    await client.rpush(key, aged);
    const claims = Buffer.from(JSON.stringify({ oid: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' })).toString('base64url');
    const token = `e30.${claims}.signature`;
    await client.call('ACL', 'SETUSER', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'on', `>${token}`, '~*', '+@all');
    await client.call('ACL', 'SETUSER', 'default', 'resetpass', '>other-password');
    const login = entraLogin(
      async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
      systemClock,
      undefined,
    );
    expect((await rotateKeyRing(deps(open(node, key, { login })))).outcome).toBe('published');
    expect(await client.llen(key)).toBe(2);
    const without = entraLogin(async () => Promise.reject(new Error('secret text')), systemClock, undefined);
    const error = await ringStatus(deps(open(node, key, { login: without }))).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'key_ring_forbidden', advice: expect.stringContaining('Entra') });
    expect(String(error)).not.toContain('secret text');
  });

  it('needs the rights of the runbook on its list and the copies of it', async () => {
    const { client, node } = await startRedis();
    await client.rpush(key, plainKey({ id: idFrom(7), creation: now - 200 * day }), aged);
    const rights = 'lrange rpush lset lrem del watch unwatch multi exec time'.split(' ').map((name) => `+${name}`);
    const keys = [`~${key}`, `~{${key}}:backup:*`];
    await client.call('ACL', 'SETUSER', 'ring', 'on', '>pw-ring', ...keys, '-@all', ...rights);
    const login = `${node},user=ring,password=pw-ring`;
    expect((await rotateKeyRing(deps(open(login)))).outcome).toBe('published');
    expect((await pruneKeyRing(deps(open(login)), {})).keys).toEqual([idFrom(7)]);
  });
});
