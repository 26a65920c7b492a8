import { createHash } from 'node:crypto';
import { once } from '../../../once.ts';
import { databasesOf, keysIn } from '../../../redis/look.ts';
import { readFigures } from '../../../redis/nodeFigures.ts';
import type { Endpoint } from '../../../redis/redisConnection.ts';
import type { Connect, RedisNode } from '../../../redis/redisNode.ts';
import type { WatchReport } from '../../../redis/watchReport.ts';
import { timeEach } from '../../../roundTrips.ts';
import type { ReadableSubject } from '../connection/timeChecks.ts';
import type { EntriesSubject, EntryLookups, SampledCacheEntry } from '../entries/entriesSubject.ts';
import { sampleEntries } from '../redis/entrySample.ts';
import { prefixDiffers } from '../redis/instanceNameCheck.ts';
import { type CacheSubjectOptions, type ClockReading, cacheSubject, onceReached } from './cacheSubject.ts';

export interface RedisSubjectOptions extends CacheSubjectOptions {
  endpoint: Endpoint;
  connect: Connect;
  database: number;
  instanceName: string;
  keyRingKey: string;
  /** A look of the watch, which keeps no readings. */
  watch: () => Promise<WatchReport>;
}

const latencyReads = 20;

export type RedisSubject = ReturnType<typeof redisCacheSubject>;

/** A Redis cache under examination. */
export function redisCacheSubject(options: RedisSubjectOptions) {
  const { instanceName, keyRingKey, clock, signal } = options;
  const cache = cacheSubject(options);
  const connect = () => options.connect(options.endpoint, signal);
  let opened: RedisNode | undefined;
  const openedNode = onceReached(cache, async () => {
    opened = await connect();
    return opened;
  });
  const sample = once(async () => {
    const node = await openedNode();
    const figures = readFigures(await node.info());
    const keysHeld = keysIn(await databasesOf(node, figures), options.database);
    const known = figures.scansHashTable ? keysHeld : null;
    const found = await sampleEntries(node, { instanceName, keyRingKey, keysHeld: known, clock, random: Math.random });
    return { ...found, keysHeld };
  });
  return {
    ...cache,
    engine: 'redis' as const,
    instanceName,
    sample,
    watch: onceReached(cache, options.watch),
    entries: once(async () => {
      const { entries, keysHeld } = await sample();
      return { entries, total: keysHeld ?? undefined, now: clock.now() };
    }),
    clocks: once(async (): Promise<ClockReading | undefined> => {
      const node = await openedNode();
      const start = clock.elapsed();
      const microseconds = /^server_time_usec:(\d+)/m.exec(await node.info())?.[1];
      if (!microseconds) return undefined;
      return { server: new Date(Number(microseconds) / 1000), own: clock.now(), roundTripMs: clock.elapsed() - start };
    }),
    prefixDiffers: async () => prefixDiffers((await sample()).prefixes, instanceName),
    lookups: async () => lookupsOf(await openedNode(), instanceName, (await sample()).entries),
    /** On a connection of its own, so that what is timed does not wait for the other checks. */
    readTimes: async (stop) => {
      const { entries } = await sample();
      const node = await connect();
      try {
        const keys = entries.slice(0, latencyReads).map(({ key }) => instanceName + key);
        return await timeEach(keys, (key) => node.entries([key]), clock, stop);
      } finally {
        node.close();
      }
    },
    close: () => opened?.close(),
  } satisfies EntriesSubject & ReadableSubject & Record<string, unknown>;
}

function lookupsOf(node: RedisNode, instanceName: string, entries: SampledCacheEntry[]): EntryLookups {
  // An entry that does not slide does not tell when it was touched.
  const lastTouched = ({ expiresAt, slidingSeconds }: SampledCacheEntry) =>
    expiresAt && slidingSeconds !== null ? expiresAt.getTime() - slidingSeconds * 1000 : 0;
  return {
    state: async (key) => {
      const [entry] = await node.entries([instanceName + key]);
      if (!entry?.data) return undefined;
      const digest = createHash('sha256').update(entry.data).digest('hex');
      return { key, header: entry.data.subarray(0, 20), digest };
    },
    keysWithPrefix: async (prefix, limit) =>
      entries.flatMap(({ key }) => (key.startsWith(prefix) ? [key] : [])).slice(0, limit),
    latestKeys: async (limit) =>
      [...entries]
        .sort((a, b) => lastTouched(b) - lastTouched(a))
        .slice(0, limit)
        .map(({ key }) => key),
  };
}
