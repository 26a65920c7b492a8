/** Rings in a Redis list: lost answers, apps that push meanwhile, wrong passwords, and what lies beside the ring. */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pruneKeyRing } from '../../src/lib/keyRing/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/revoke.ts';
import { ringStatus } from '../../src/lib/keyRing/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/rotate.ts';
import { RedisStore } from '../../src/lib/keyRing/stores/redis.ts';
import { connectRedis } from '../../src/lib/keyRing/stores/redisConnection.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
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
    const { redis, host } = connectRedis(`127.0.0.1:${address.port}${options}`);
    const store = new RedisStore(redis, key, host);
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

  it('says that nobody answers', async () => {
    const { redis, host } = connectRedis('127.0.0.1:1');
    const store = new RedisStore(redis, key, host);
    stores.push(store);
    await expect(ringStatus(deps(store))).rejects.toMatchObject({ code: 'key_ring_unavailable' });
  });
});
