import type { Clock } from '../clock.ts';
import type { CacheTable, IndexBuild } from './cacheTable.ts';
import type { LoadLimits } from './loadGuard.ts';
import type { PurgeProgress, PurgeReport } from './purgeReport.ts';
import type { Patience } from './retry.ts';
import type { PositionStore } from './walks.ts';

export interface PurgePolicy {
  /** Entries are deleted only when they expired at least this long ago: app servers' clocks differ. */
  graceMs: number;
  /** The time that a batch should take. */
  batchTargetMs: number;
  /** The pause after a batch, as a multiple of the batch's time; 0 for none. */
  pauseRatio: number;
  /** The time that a run may take for what has expired, where that is not a backlog; 0 for none of its own. */
  paceMs: number;
  timeBudgetMs: number;
  loadLimits: LoadLimits;
  index: IndexBuild;
}

/** What is asked of a run that deletes; `R` is its report. */
export interface DeletionRequest<R> {
  maxRows?: number | undefined;
  timeBudgetMs?: number | undefined;
  /** Stops between two batches. */
  signal?: AbortSignal | undefined;
  /** Called where the database did not answer a question, before it is asked again. */
  onRetry?: Patience['onRetry'];
  /**
   * Called once, when the run has the table's lock and before it deletes anything: gives what earlier tries of the same run
   * deleted, which counts towards `maxRows`. Undefined: the table is another's all the same.
   */
  onStart?: () => Promise<number | undefined>;
  /** Called after each batch, with its time in ms and what has been deleted so far. */
  onBatch?: (batch: { tookMs: number; deleted: number }) => void;
  /** Called where an error ends the run after it began, with what it had done by then. */
  onFailure?: (report: R) => void;
  /** Called after each batch too; for it the expired entries are counted first, which takes up to 2 s. */
  onProgress?: (progress: PurgeProgress) => void;
}

export interface PurgeRequest extends DeletionRequest<PurgeReport> {
  dryRun?: boolean | undefined;
  /** Deletes only what expired at least this long ago. Never moves the cut-off later than the policy's grace. */
  olderThanMs?: number | undefined;
}

export interface DeletionContext {
  table: CacheTable;
  policy: PurgePolicy;
  clock: Clock;
}

export interface PurgeContext extends DeletionContext {
  /** Where the walk along the primary key goes on. */
  position: PositionStore;
  /** Where the walk page by page goes on; without it each run begins at the first page. */
  pagePosition?: PositionStore;
}
