import { parseDuration } from '../durations.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { PurgeOptions } from './message.ts';

/** No chain goes round faster than this, whatever ends its parts. */
const shortestPauseMs = 1_000;
/** An instance that is taken away hands its work on soon. */
const handOverMs = 1_000;

/** When a purge queues its own continuation. */
export interface ContinuationPolicy {
  /** The wait before it, as a share of the part's own time. */
  pauseRatio: number;
  /** Continuations of a cache within `periodMs`, at most. */
  limit: number;
  periodMs: number;
}

/** Continuations of a cache, counted for one period. */
export interface ContinuationCount {
  since: string;
  count: number;
}

export interface PartEnd {
  run: Pick<RunRecord<'purge'>, 'report' | 'duration' | 'outcome'>;
  options: PurgeOptions;
  /** The run's row limit by the settings. */
  rowLimit: number | undefined;
  /** The app asked the run to stop, since its instance is taken away. */
  instanceStops: boolean;
}

export type Continuation = { delayMs: number; options: PurgeOptions } | { none: string };

/**
 * Whether a purge goes on by itself: when its time was up and expired entries are left, and the database was not the
 * reason. Never beyond the row limit that the run was given.
 */
export function continuationOf(end: PartEnd, policy: ContinuationPolicy, used: number): Continuation {
  const { run, options, rowLimit, instanceStops } = end;
  const { report } = run;
  if (!report || run.outcome === 'failed') return { none: 'it failed' };
  if (report.dryRun) return { none: 'it was a dry run' };
  const handedOver = report.stopReason === 'aborted' && instanceStops;
  if (report.stopReason !== 'timeBudget' && !handedOver) return { none: `it stopped by ${report.stopReason}` };
  if ((parseDuration(report.waits.load) ?? 0) > 0) return { none: "it had paused for the database's sake" };
  if (report.expiredRemaining?.count === 0) return { none: 'nothing is left' };
  if (used >= policy.limit) return { none: `${used} continuations in the period are the limit` };
  const limit = options.maxRows ?? rowLimit;
  const left = limit === undefined ? undefined : limit - report.deleted;
  if (left !== undefined && left < 1) return { none: 'its row limit is reached' };
  const tookMs = parseDuration(run.duration) ?? 0;
  return {
    delayMs: handedOver ? handOverMs : Math.max(shortestPauseMs, tookMs * policy.pauseRatio),
    options: { ...options, ...(left !== undefined && { maxRows: left }) },
  };
}

/** The count of the period that `now` is in. */
export function countOf(kept: unknown, periodMs: number, now: Date): ContinuationCount {
  const { since, count } = (kept ?? {}) as Partial<ContinuationCount>;
  const from = typeof since === 'string' ? Date.parse(since) : Number.NaN;
  const current = Number.isFinite(from) && typeof count === 'number' && now.getTime() - from < periodMs;
  return current ? { since: new Date(from).toISOString(), count } : { since: now.toISOString(), count: 0 };
}
