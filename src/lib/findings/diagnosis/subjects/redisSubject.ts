import { createHash } from 'node:crypto';
import { once } from '../../../checks/memo.ts';
import { readFigures } from '../../../redis/nodeFigures.ts';
import type { Endpoint } from '../../../redis/redisConnection.ts';
import type { Connect, RedisNode } from '../../../redis/redisNode.ts';
import type { WatchReport } from '../../../redis/watchReport.ts';
import type { RoundTrip } from '../../../roundTrips.ts';
import type { ReadableSubject } from '../connection/latencyCheck.ts';
import type { EntriesSubject, EntryLookups, EntryReading } from '../entries/entriesSubject.ts';
import { type RedisSample, sampleEntries } from '../redis/entrySample.ts';
import { prefixDiffers } from '../redis/instanceNameCheck.ts';
import { CacheSubject, type CacheSubjectOptions, type ClockReading, onceReached } from './cacheSubject.ts';

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

export class RedisSubject extends CacheSubject implements EntriesSubject, ReadableSubject {
  readonly instanceName: string;
  readonly watch: () => Promise<WatchReport>;
  readonly node: () => Promise<RedisNode>;
  readonly sample: () => Promise<RedisSample & { keysHeld: number }>;
  readonly entries: () => Promise<EntryReading>;
  readonly clocks: () => Promise<ClockReading | undefined>;
  readonly #connect: () => Promise<RedisNode>;
  #opened: RedisNode | undefined;

  constructor(options: RedisSubjectOptions) {
    super(options);
    const { instanceName, clock, signal } = options;
    this.instanceName = instanceName;
    this.#connect = () => options.connect(options.endpoint, signal);
    this.watch = onceReached(this, options.watch);
    this.node = onceReached(this, async () => {
      this.#opened = await this.#connect();
      return this.#opened;
    });
    this.sample = once(async () => {
      const node = await this.node();
      const { databases } = readFigures(await node.info());
      const keysHeld = databases.find(({ database }) => database === options.database)?.keys ?? 0;
      const { keyRingKey } = options;
      const sample = await sampleEntries(node, { instanceName, keyRingKey, keysHeld, clock, random: Math.random });
      return { ...sample, keysHeld };
    });
    this.entries = once(async () => {
      const { entries, keysHeld } = await this.sample();
      return { entries, total: keysHeld, now: clock.now() };
    });
    this.clocks = once(async () => {
      const node = await this.node();
      const start = clock.elapsed();
      const text = await node.info();
      const microseconds = /^server_time_usec:(\d+)/m.exec(text)?.[1];
      if (!microseconds) return undefined;
      return { server: new Date(Number(microseconds) / 1000), own: clock.now(), roundTripMs: clock.elapsed() - start };
    });
  }

  async prefixDiffers(): Promise<boolean> {
    return prefixDiffers((await this.sample()).prefixes, this.instanceName);
  }

  async lookups(): Promise<EntryLookups> {
    const [node, { entries }] = [await this.node(), await this.sample()];
    const state = async (key: string) => {
      const [entry] = await node.entries([this.instanceName + key]);
      if (!entry?.data) return undefined;
      const digest = createHash('sha256').update(entry.data).digest('hex');
      return { key, header: entry.data.subarray(0, 20), digest };
    };
    // An entry that does not slide does not tell when it was touched.
    const lastTouched = ({ expiresAt, slidingSeconds }: (typeof entries)[number]) =>
      expiresAt && slidingSeconds !== null ? expiresAt.getTime() - slidingSeconds * 1000 : 0;
    return {
      state,
      keysWithPrefix: async (prefix, limit) =>
        entries.flatMap(({ key }) => (key.startsWith(prefix) ? [key] : [])).slice(0, limit),
      latestKeys: async (limit) =>
        [...entries]
          .sort((a, b) => lastTouched(b) - lastTouched(a))
          .slice(0, limit)
          .map(({ key }) => key),
    };
  }

  /** On a connection of its own, so that what is timed does not wait for the other checks. */
  async readTimes(signal: AbortSignal): Promise<RoundTrip[]> {
    const { entries } = await this.sample();
    const node = await this.#connect();
    try {
      const keys = entries.slice(0, latencyReads).map(({ key }) => this.instanceName + key);
      return await this.timed(keys, (key) => node.entries([key]), signal);
    } finally {
      node.close();
    }
  }

  close(): void {
    this.#opened?.close();
  }
}
