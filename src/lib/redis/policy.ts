import type { SampleLimits } from './keySample.ts';

/** Thresholds of the findings; see docs/reference/settings.md. */
export interface Thresholds {
  /** Per cent of the maximum. */
  memory: { warning: number; critical: number };
  /** Time until the maximum is reached, in ms. */
  full: { warning: number; critical: number };
  /** Least span of the records that a forecast rests on, in ms. */
  trendSpanMs: number;
  /** Per cent of the entries held, evicted since the last look. */
  evictedCritical: number;
  /** Per cent of the keys of the cache's database. */
  withoutTtl: { warning: number; critical: number };
  fragmentation: { ratio: number; wasteBytes: number };
  /** Per cent of the clients that the server allows. */
  clients: { warning: number; critical: number };
  /** 95th percentile of the round trips of PING, in ms. */
  ping: { warning: number; critical: number };
  /** Per cent of the look-ups. */
  hitRatio: number;
}

export interface WatchPolicy {
  /** Deadline of the look at one node, from the first byte to the last, in ms. */
  timeoutMs: number;
  pings: number;
  sample: SampleLimits;
  /** The key under which apps may keep their Data Protection key ring. */
  keyRingKey: string;
  thresholds: Thresholds;
}
