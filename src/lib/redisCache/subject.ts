import { z } from 'zod';
import type { NodeLook } from './look.ts';
import type { DatabaseFigures } from './nodeFigures.ts';
import type { Change } from './rates.ts';
import type { RedisConnection } from './redisConnection.ts';

/** A node as the rules see it. */
export interface NodeSubject extends NodeLook {
  /** Null where neither the server nor a setting nor Azure Monitor names it; 0 where there is no limit. */
  maxBytes: number | null;
  usedBytes: number | null;
  /** 0 to 1; null without a maximum. */
  utilization: number | null;
  /** The database of the cache. */
  cache: DatabaseFigures;
  /** Keys of all databases: eviction knows no databases. */
  keysHeld: number;
  change: Change | null;
  pingSummary: PingSummary | null;
  bytesPerDay: number | null;
  untilFullMs: number | null;
}

/** Milliseconds, and of how many pings. */
export const pingSummary = z.object({ count: z.int(), p50: z.number(), p95: z.number(), max: z.number() });
export type PingSummary = z.infer<typeof pingSummary>;

/** The whole cache as the rules see it. */
export interface CacheSubject {
  connection: RedisConnection;
  /** Slots of an OSS cluster that no node serves; null where the nodes form none. */
  slotsUncovered: number | null;
  /** What the servers refused, in words. */
  refused: string[];
  /** Why Azure Monitor could not be asked, in words. */
  resourceProblem: string | null;
}

/** By nearest rank. */
export function summarizePings(times: readonly number[]): PingSummary | null {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return sorted.length === 0 ? null : { count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
