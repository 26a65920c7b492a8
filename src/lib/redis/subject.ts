import { z } from 'zod';
import { percentile, type RoundTrip, withoutDelay } from '../roundTrips.ts';
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

export function summarizePings(pings: readonly RoundTrip[]): PingSummary | null {
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
