import type { Clock } from '../../../clock.ts';
import { sampleKeys } from '../../../redis/keySample.ts';
import type { RedisEntry, RedisNode } from '../../../redis/redisNode.ts';
import { keyParts, tokenKey } from '../../../tokenKeys.ts';
import { kindOf, type SampledCacheEntry } from '../entries/entriesSubject.ts';
import { type EntryFormat, formatOf } from '../entries/entryFormat.ts';

export interface RedisSampleOptions {
  instanceName: string;
  /** The ring's key, which may lie in the same database and is not an entry. */
  keyRingKey: string;
  /** Keys in the database; null where it is not known, or a cursor is not a place in a hash table. */
  keysHeld: number | null;
  clock: Clock;
  random: () => number;
}

export interface RedisSample {
  entries: SampledCacheEntry[];
  /** Keys seen, whatever they are. */
  keysSeen: number;
  /** Keys of users' or apps' tokens by what stands before them, the whole database over. */
  prefixes: Map<string, number>;
}

/** Calls of SCAN, keys of each, and the time for all of them: as the watch's own sample, for some more keys. */
const limits = { calls: 30, keysPerCall: 25, timeMs: 8_000 };
const mostEntries = 500;
const batch = 50;

/** Entries of a Redis cache from a bounded SCAN, with what the values tell. */
export async function sampleEntries(node: RedisNode, options: RedisSampleOptions): Promise<RedisSample> {
  const { instanceName, keyRingKey, keysHeld, clock, random } = options;
  const keys = new Set<string>();
  const reader = {
    ...node.keys,
    scan: async (cursor: string, count: number) => {
      const answer = await node.keys.scan(cursor, count);
      for (const key of answer.keys) keys.add(key);
      return answer;
    },
    // The expiry is read below, of the entries alone.
    timesToLive: async (some: readonly string[]) => some.map(() => -1),
  };
  await sampleKeys(reader, keysHeld, { instanceName, keyRingKey, limits, clock, random });
  const prefixes = new Map<string, number>();
  for (const key of keys) {
    const { prefix } = tokenKey(key) ?? {};
    if (prefix !== undefined) prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + 1);
  }
  const own = [...keys].filter((key) => key.startsWith(instanceName) && key !== keyRingKey).slice(0, mostEntries);
  const entries: SampledCacheEntry[] = [];
  for (let start = 0; start < own.length; start += batch) {
    const some = own.slice(start, start + batch);
    const [values, times] = [await node.entries(some), await node.keys.timesToLive(some)];
    some.forEach((key, at) => {
      const entry = entryOf(key.slice(instanceName.length), values[at], times[at] ?? -2, clock.now());
      if (entry) entries.push(entry);
    });
  }
  return { entries, prefixes, keysSeen: keys.size };
}

/** Undefined where it has gone meanwhile. */
function entryOf(
  key: string,
  value: RedisEntry | undefined,
  timeToLive: number,
  now: Date,
): SampledCacheEntry | undefined {
  if (timeToLive === -2) return undefined;
  const data = value?.data ?? new Uint8Array();
  const ticks = ticksOf(value?.sldexp);
  // It has another type than the library's: something else that shares the database.
  const foreign = !value && keyParts(key).kind === 'other';
  const format: EntryFormat = foreign ? { kind: 'foreign', form: 'other bytes' } : formatOf(data, data.length);
  return {
    key,
    kind: kindOf(key, format),
    size: data.length,
    expiresAt: timeToLive < 0 ? undefined : new Date(now.getTime() + timeToLive),
    slidingSeconds: ticks === undefined ? null : ticks / 10_000_000,
    format,
  };
}

/** .NET ticks; `-1` for none (RedisCache.cs). */
function ticksOf(text: string | undefined): number | undefined {
  const ticks = Number(text ?? '-1');
  return Number.isFinite(ticks) && ticks >= 0 ? ticks : undefined;
}
