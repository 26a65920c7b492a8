import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { type Consumer, dotnetFound, dotnetTimeLimitMs, startConsumer } from '../support/dataProtection.ts';
import { redisRing } from '../support/redisRing.ts';
import { redisFound, startRedis } from '../support/redisServer.ts';
import { day } from '../support/ringBuilder.ts';
import { jobDeps, turnableClock } from '../support/testRing.ts';

describe.skipIf(!dotnetFound || !redisFound)('a ring in Redis shared with ASP.NET Core', () => {
  let consumer: Consumer;
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    consumer = startConsumer();
    server = await startRedis();
  }, dotnetTimeLimitMs);
  afterAll(async () => {
    await Promise.all([server?.stop(), consumer?.close()]);
  });

  it('is read and written by both', async () => {
    const now = Date.now();
    const clock = turnableClock(now);
    const redis = `127.0.0.1:${server.port}`;
    const store = redisRing(redis);
    const deps = jobDeps({ store, clock });
    try {
      const first = new Date(now - 2 * day).toISOString();
      await consumer.ask([
        { op: 'write', redis, steps: [{ activation: first, expiration: new Date(now + 10 * day).toISOString() }] },
      ]);
      const { outcome, keys, status } = await rotateKeyRing(deps);
      expect(outcome).toBe('published');
      expect(status.keys.map(({ state, madeBy }) => [state, madeBy])).toEqual([
        ['default', 'app'],
        ['next', 'token-cache-maintenance'],
      ]);
      const at = (time: number) => ({
        op: 'consume' as const,
        redis,
        now: new Date(time).toISOString(),
        automaticGeneration: true,
      });
      const [today, later] = await consumer.ask([at(now), at(now + 11 * day)]);
      expect([today?.defaultKeyId, later?.defaultKeyId]).toEqual([status.defaultKey, keys[0]?.id]);
      expect((await store.read()).elements).toHaveLength(2);
      await consumer.ask([{ op: 'write', redis, steps: [{ revoke: keys[0]?.id ?? '' }] }]);
      expect((await ringStatus(deps)).keys.map(({ state }) => state)).toEqual(['default', 'revoked']);
    } finally {
      await store.close();
    }
  });
});
