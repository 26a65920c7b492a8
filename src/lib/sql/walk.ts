import type { PurgeWay } from './cacheTable.ts';

/** What one step of a walk did; a step is one batch, a transaction of its own. */
export interface Step {
  deleted: number;
  /** Rows that the step's time went into: those deleted, or read through. */
  worked: number;
  /** Locks of other sessions were in the way. */
  hitLocks: boolean;
  /** A last look found nothing left to delete. */
  finished: boolean;
}

/** A way through the table, one batch after the other. A step that failed may be repeated. */
export interface Walk {
  readonly way: PurgeWay;
  step(limit: number): Promise<Step>;
  /** Expired rows left behind since other sessions held them locked when last seen. */
  readonly skippedLocked: number;
}
