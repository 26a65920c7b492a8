import { isAhead } from '../clock.ts';
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
  run: Pick<RunRecord<'purge'>, 'report' | 'outcome'>;
  /** What is left of the row limit after all tries of the part; undefined where there is none. */
  rowsLeft: number | undefined;
  /** The app asked the run to stop, since its instance is taken away. */
  instanceStops: boolean;
}

/**
 * Whether a purge goes on by itself: when its time was up, or its instance is taken away, and expired entries are left, and
 * it had not paused for the database's sake. Never beyond its row limit, nor more often than the policy says.
 */
export function goesOn(
  { run, rowsLeft, instanceStops }: PartEnd,
  { limit }: ContinuationPolicy,
  used: number,
): boolean {
  const { report, outcome } = run;
  if (!report || report.dryRun || outcome === 'failed') return false;
  const handedOver = report.stopReason === 'aborted' && instanceStops;
  return (
    (report.stopReason === 'timeBudget' || handedOver) &&
    parseDuration(report.waits.load) === 0 &&
    report.expiredRemaining?.count !== 0 &&
    (rowsLeft === undefined || rowsLeft > 0) &&
    used < limit
  );
}

/** The wait before the part that follows, in ms. */
export function pauseAfter(
  { outcome, duration }: Pick<RunRecord, 'outcome' | 'duration'>,
  { pauseRatio }: ContinuationPolicy,
): number {
  if (outcome === 'aborted') return handOverMs;
  return Math.max(shortestPauseMs, (parseDuration(duration) ?? 0) * pauseRatio);
}

/** What is left of a row limit, of the request or else of the settings, after so many deleted. */
export function rowsLeft({ maxRows }: PurgeOptions, rowLimit: number | undefined, deleted: number): number | undefined {
  const limit = maxRows ?? rowLimit;
  return limit === undefined ? undefined : Math.max(0, limit - deleted);
}

/** The count of the period that `now` is in. */
export function countOf(kept: unknown, periodMs: number, now: Date): ContinuationCount {
  const { since, count } = (kept ?? {}) as Partial<ContinuationCount>;
  const from = typeof since === 'string' ? Date.parse(since) : Number.NaN;
  const isOfPeriod = now.getTime() - from < periodMs && !isAhead(from, now);
  const current = Number.isFinite(from) && typeof count === 'number' && isOfPeriod;
  return current ? { since: new Date(from).toISOString(), count } : { since: now.toISOString(), count: 0 };
}
