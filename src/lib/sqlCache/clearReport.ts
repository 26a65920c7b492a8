import type { PurgeWay, SqlEngine } from './cacheTable.ts';
import type { EntryCount } from './estimate.ts';
import type { PurgeReport, StopReason } from './purgeReport.ts';

/** What a clear did. Entries that were written or refreshed after its start with a later expiry are not touched. */
export interface ClearReport
  extends Pick<
    PurgeReport,
    'deleted' | 'batches' | 'batchSize' | 'batchTime' | 'retries' | 'unansweredBatches' | 'waits'
  > {
  engine: SqlEngine;
  table: string;
  dryRun: false;
  /** `drained`: the pass came to its end. */
  stopReason: StopReason;
  /** The largest expiry seen at the start, to which the clear went; null for an empty table. */
  upTo: string | null;
  /** Entries there are now: left behind by a run that stopped early, locked, or new. Null where they could not be counted. */
  remaining: EntryCount | null;
  /** Of these, those that expire later than any seen at the start: written or refreshed since, by apps that go on. */
  newer: EntryCount | null;
  /** Entries left since an app held them locked. */
  skippedLocked: number;
  way: PurgeWay;
  duration: string;
  warnings: string[];
}

/** What a clear would do; nothing was changed and no lock taken. */
export interface ClearPlan {
  engine: SqlEngine;
  table: string;
  dryRun: true;
  wouldDelete: EntryCount;
  /** Of these, those that are alive: their users sign in again. */
  active: EntryCount;
  upTo: string | null;
  way: PurgeWay;
  statement: string;
  warnings: string[];
}
