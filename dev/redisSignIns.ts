import type { Redis } from 'ioredis';
import type { Lifetime } from './sqlSignIns.ts';

/** What Microsoft.Extensions.Caching.StackExchangeRedis does for a web app: RedisCache.cs, and seen on a real server. */

const ticksPerSecond = 10_000_000;

/** A look-up: a live entry is read, and its expiry slides. False where there is none. */
export async function readAndSlide(redis: Redis, key: string, { livesSeconds }: Lifetime): Promise<boolean> {
  const [, , data] = await redis.hmget(key, 'absexp', 'sldexp', 'data');
  if (data === null) return false;
  await redis.expire(key, livesSeconds);
  return true;
}

/** A sign-in: a hash whose expiry is the key's own. */
export async function writeEntry(
  redis: Redis,
  key: string,
  value: Buffer,
  { slidingSeconds, livesSeconds }: Lifetime,
): Promise<void> {
  await redis
    .pipeline()
    .hset(key, 'absexp', '-1', 'sldexp', String(slidingSeconds * ticksPerSecond), 'data', value)
    .expire(key, livesSeconds)
    .exec();
}
