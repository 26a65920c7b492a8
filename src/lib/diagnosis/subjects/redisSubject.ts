import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { readFigures } from '../../redisCache/nodeFigures.ts';
import type { Endpoint } from '../../redisCache/redisConnection.ts';
import type { Connect, RedisNode } from '../../redisCache/redisNode.ts';
import type { WatchReport } from '../../redisCache/watchReport.ts';
import { type RoundTrip, timeEach } from '../../roundTrips.ts';
import type { ConnectedSubject, ConnectionAdvice } from '../connection/connectionChecks.ts';
import type { ReadableSubject } from '../connection/latencyCheck.ts';
import { type ConnectionLook, type ConnectionProbe, lookAtConnection } from '../connection/probe.ts';
import type { EntriesSubject, EntryLookups, EntryReading, RingKnowledge } from '../entries/entriesSubject.ts';
import { once } from '../memo.ts';
import { type RedisSample, sampleEntries } from '../redis/entrySample.ts';
import { prefixDiffers } from '../redis/instanceNameCheck.ts';
import type { ShowKey } from '../shownKey.ts';
import { type ClockReading, connectionFailed } from './sqlSubject.ts';

export interface RedisSubjectOptions {
  name: string;
  endpoint: Endpoint;
  connect: Connect;
  database: number;
  instanceName: string;
  keyRingKey: string;
  probe: ConnectionProbe;
  advice: readonly ConnectionAdvice[];
  rings: () => Promise<RingKnowledge[]>;
  /** A look of the watch, which keeps no readings. */
  watch: () => Promise<WatchReport>;
  showKey: ShowKey;
  clock: Clock;
  signal: AbortSignal;
}

const latencyReads = 20;

/** A Redis cache under examination. Each look is made once, when the first check asks for it. */
export class RedisSubject implements EntriesSubject, ConnectedSubject, ReadableSubject {
  readonly name: string;
  readonly instanceName: string;
  readonly showKey: ShowKey;
  readonly advice: readonly ConnectionAdvice[];
  readonly rings: () => Promise<RingKnowledge[]>;
  readonly contact: () => Promise<ConnectionLook>;
  readonly watch: () => Promise<WatchReport>;
  readonly node: () => Promise<RedisNode>;
  readonly sample: () => Promise<RedisSample & { keysHeld: number }>;
  readonly entries: () => Promise<EntryReading>;
  readonly clocks: () => Promise<ClockReading | undefined>;
  readonly #clock: Clock;
  readonly #connect: () => Promise<RedisNode>;
  #opened: RedisNode | undefined;

  constructor(options: RedisSubjectOptions) {
    const { name, instanceName, showKey, advice, rings, probe, clock, signal } = options;
    this.name = name;
    this.instanceName = instanceName;
    this.showKey = showKey;
    this.advice = advice;
    this.rings = once(rings);
    this.#clock = clock;
    this.#connect = () => options.connect(options.endpoint, signal);
    this.contact = once(() => lookAtConnection(probe, clock, signal));
    const reached = async () => {
      const { failure } = await this.contact();
      if (failure) throw connectionFailed(failure.step);
    };
    this.watch = once(async () => {
      await reached();
      return options.watch();
    });
    this.node = once(async () => {
      await reached();
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
      const read = ({ key }: { key: string }) => node.entries([this.instanceName + key]);
      return await timeEach(entries.slice(0, latencyReads), read, this.#clock, signal);
    } finally {
      node.close();
    }
  }

  close(): void {
    this.#opened?.close();
  }
}
