import { z } from 'zod';
import { percentile, type RoundTrip, withoutDelay } from '../roundTrips.ts';
import type { NodeLook } from './look.ts';
import type { DatabaseFigures } from './nodeFigures.ts';
import type { WatchPolicy } from './policy.ts';
import { type Change, changeSince } from './rates.ts';
import type { RedisConnection } from './redisConnection.ts';
import type { SentinelView } from './sentinel.ts';
import type { StoredNode } from './state.ts';
import { addPoint, growthPerDay, timeUntilFull } from './trend.ts';

/** Where the maximum of the memory was found. */
export const maxSource = z.enum(['server', 'setting', 'azureMonitor']);

interface Memory {
  usedBytes: number | null;
  /** Null where neither the server nor a setting nor Azure Monitor names it; 0 where there is no limit. */
  maxBytes: number | null;
  /** 0 to 1; null without a maximum. */
  utilization: number | null;
  maxFrom: z.infer<typeof maxSource> | null;
}

/** Keys of the cache's database; null where the server does not say how many. */
type Cached = { [Name in 'keys' | 'keysWithoutTtl']: number | null };

/** A node as the rules see it. */
export interface NodeSubject extends NodeLook, Memory {
  /** The database of the cache. */
  cache: Cached;
  /** Keys of all databases: eviction knows no databases. Null where the server does not say it. */
  keysHeld: number | null;
  change: Change | null;
  pingSummary: z.infer<typeof pingSummary> | null;
  bytesPerDay: number | null;
  untilFullMs: number | null;
}

/** The PINGs of one look, in ms. */
export const pingSummary = z.object({
  count: z.int(),
  p50: z.number(),
  p95: z.number(),
  max: z.number(),
  eventLoopDelay: z.number().meta({
    description: "Longest delay of this process's own event loop around a PING; 0 where it was always on time.",
  }),
  p95WithoutDelay: z.number().meta({
    description:
      "95th percentile of what is left of each PING without the loop's delay: certainly the server's, so it is what is judged.",
  }),
});

/** The whole cache as the rules see it. */
export interface CacheSubject {
  connection: RedisConnection;
  /** Slots of an OSS cluster that no node serves; null where the nodes form none, or do not tell. */
  slotsUncovered: number | null;
  /** The nodes form an OSS cluster. */
  cluster: boolean;
  /** The Sentinels that answered. */
  sentinels: { node: string; view: SentinelView }[];
  /** What the servers refused, in words. */
  refused: string[];
  /** Why Azure Monitor could not be asked, in words. */
  resourceProblem: string | null;
}

/** Memory of a managed cache as its service measures it. */
export interface ResourceMemory {
  usedBytes: number | null;
  /** 0 to 1. */
  utilization: number;
}

/** What is known of the cache beforehand. */
export interface CacheFacts {
  policy: WatchPolicy;
  /** The logical database of the cache. */
  database: number;
  /** The memory of one node, for servers that do not name it. */
  maxMemoryBytes: number | undefined;
}

interface Beside {
  stored: StoredNode | undefined;
  now: Date;
  resource: ResourceMemory | undefined;
  /** Nodes that share the resource. */
  peers: number;
}

/** A look beside the last one: what the rules judge, and the reading that the next look will compare with. */
export function subjectOf(
  look: NodeLook,
  { database, maxMemoryBytes, policy }: CacheFacts,
  { stored, now, resource, peers }: Beside,
): { subject: NodeSubject; reading: StoredNode } {
  const { figures, ownLookups } = look;
  const keysHeld = figures.databases?.reduce((sum, { keys }) => sum + keys, 0) ?? null;
  const change = changeSince(stored, figures, now);
  const memory = memoryOf(figures.memory, maxMemoryBytes, resource, peers);
  const kept = change?.kind === 'same' ? (stored?.trend ?? []) : [];
  const trend = memory.usedBytes === null ? kept : addPoint(kept, [now.getTime(), memory.usedBytes]);
  const bytesPerDay = growthPerDay(trend, policy.thresholds.trendSpanMs);
  const subject: NodeSubject = {
    ...look,
    ...memory,
    cache: cachedIn(figures.databases, database),
    keysHeld,
    change,
    pingSummary: summarizePings(look.pings),
    bytesPerDay,
    untilFullMs: memory.maxBytes ? timeUntilFull(trend, memory.maxBytes, bytesPerDay) : null,
  };
  const { runId, uptimeSeconds, counters } = figures;
  return {
    subject,
    reading: { at: now.toISOString(), runId, uptimeSeconds, counters, keys: keysHeld, ownLookups, trend },
  };
}

function cachedIn(databases: readonly DatabaseFigures[] | null, wanted: number): Cached {
  if (!databases) return { keys: null, keysWithoutTtl: null };
  return databases.find(({ database }) => database === wanted) ?? { keys: 0, keysWithoutTtl: 0 };
}

/** The server's own maximum, else the setting's, else Azure Monitor's, whose figures are those of all nodes together. */
function memoryOf(
  { usedBytes, maxBytes }: NodeLook['figures']['memory'],
  setting: number | undefined,
  resource: ResourceMemory | undefined,
  peers: number,
): Memory {
  const max = maxBytes ?? setting ?? null;
  if (max !== null) {
    const utilization = max > 0 && usedBytes !== null ? usedBytes / max : null;
    return { usedBytes, maxBytes: max, utilization, maxFrom: maxBytes === null ? 'setting' : 'server' };
  }
  if (!resource) return { usedBytes, maxBytes: null, utilization: null, maxFrom: null };
  const { utilization } = resource;
  const used = resource.usedBytes === null ? null : resource.usedBytes / peers;
  return {
    usedBytes: used ?? usedBytes,
    maxBytes: used === null || utilization === 0 ? null : Math.round(used / utilization),
    utilization,
    maxFrom: 'azureMonitor',
  };
}

function summarizePings(pings: readonly RoundTrip[]): NodeSubject['pingSummary'] {
  if (pings.length === 0) return null;
  const times = pings.map(({ ms }) => ms);
  return {
    count: pings.length,
    p50: rounded(percentile(times, 0.5)),
    p95: rounded(percentile(times, 0.95)),
    max: rounded(Math.max(...times)),
    eventLoopDelay: rounded(Math.max(...pings.map(({ loopDelay }) => loopDelay))),
    p95WithoutDelay: rounded(percentile(pings.map(withoutDelay), 0.95)),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
