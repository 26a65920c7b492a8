import type { AppPurge, PurgeWay, SqlEngine } from './cacheTable.ts';
import type { EntrySize } from './counts.ts';
import type { IndexOutcome } from './ensureExpiryIndex.ts';
import type { EntryCount } from './estimate.ts';

/**
 * - `drained`: a last look found no expired entry that was not locked · `timeBudget`, `rowLimit`: used up
 * - `busy`: another run holds the table · `unhealthy`: paused for the database's sake until the budget ended
 * - `aborted`: asked to stop, or the run's lock was lost
 */
export type StopReason = 'drained' | 'timeBudget' | 'rowLimit' | 'busy' | 'unhealthy' | 'aborted';

/** What a purge did, and why it stopped. Durations and ages are ISO 8601; instants are the database's. */
export interface PurgeReport {
  engine: SqlEngine;
  table: string;
  dryRun: false;
  stopReason: StopReason;
  /** Entries that expired before this were deleted. */
  cutoff: string;
  deleted: number;
  batches: number;
  /** Rows that the last batches asked for. */
  batchSize: number;
  batchTime: { min: string; median: string; max: string } | null;
  oldestExpiredAge: { before: string | null; after: string | null };
  expiredRemaining: EntryCount | null;
  /** Expired entries left since an app held them locked. */
  skippedLocked: number;
  /** Whether the web app still purges the table itself; null on an engine that cannot tell. */
  appPurge: AppPurge | null;
  index: IndexOutcome;
  /** Along the expiry index; along the primary key where there is no such index; a large backlog page by page first. */
  way: PurgeWay;
  duration: string;
  retries: number;
  /** Batches whose answer was lost: they may have deleted entries that `deleted` does not count. */
  unansweredBatches: number;
  waits: { pauses: string; load: string; loadReasons: string[] };
  warnings: string[];
}

/** What a purge would do; nothing was changed and no lock taken. */
export interface PurgePlan {
  engine: SqlEngine;
  table: string;
  dryRun: true;
  cutoff: string;
  wouldDelete: EntryCount;
  oldestExpiredAge: string | null;
  /** Sizes of the sampled entries that would be deleted. */
  entrySize: EntrySize | null;
  wouldFreeBytes: number | null;
  batches: number;
  /** At the batch time aimed at and with the pauses; the real run adapts to the database. */
  duration: string;
  index: IndexOutcome;
  way: PurgeWay;
  statement: string;
  warnings: string[];
}

export interface PurgeProgress {
  deleted: number;
  /** Expired entries when the run began; undefined until counted. */
  expired: number | undefined;
  elapsedMs: number;
}
