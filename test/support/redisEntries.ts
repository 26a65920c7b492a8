import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface RedisEntries {
  count: number;
  /** Seconds; none for entries without expiry, as Microsoft.Identity.Web makes them unless the app sets one. */
  ttlSeconds?: number;
  instanceName?: string;
  /** Bytes of the data of each. */
  size?: number;
}

const tenant = randomUUID();

/**
 * Entries of users as Microsoft.Extensions.Caching.StackExchangeRedis writes them: a hash of `absexp`, `sldexp` and
 * `data`, whose expiry is the key's own. Writes that the server refuses for want of memory are counted.
 */
export async function writeEntries(redis: Redis, entries: RedisEntries): Promise<{ keys: string[]; refused: number }> {
  const { count, ttlSeconds, instanceName = '', size = 1_000 } = entries;
  const keys = Array.from({ length: count }, () => `${instanceName}${randomUUID()}.${tenant}`);
  let refused = 0;
  for (let start = 0; start < keys.length; start += 100) {
    const pipeline = redis.pipeline();
    for (const key of keys.slice(start, start + 100)) {
      const sliding = ttlSeconds === undefined ? '-1' : String(ttlSeconds * 10_000_000);
      pipeline.hset(key, 'absexp', '-1', 'sldexp', sliding, 'data', 'x'.repeat(size));
      if (ttlSeconds !== undefined) pipeline.expire(key, ttlSeconds);
    }
    for (const [error] of (await pipeline.exec()) ?? []) if (error?.message.startsWith('OOM')) refused += 1;
  }
  return { keys, refused };
}
