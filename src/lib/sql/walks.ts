import type { Cutoff, ExpiredEntries, ExpiryRange, Instant, KeptRows, PurgeWay, StoredPages } from './cacheTable.ts';
import { addKept } from './narrowing.ts';

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

/** Expired rows that a walk left behind, when last seen. */
export interface LeftBehind {
  /** Other sessions held them locked. */
  skippedLocked: number;
  /** The database refuses to delete them. */
  kept: KeptRows[];
}

const none = { skippedLocked: 0, kept: [] };

/** A way through the table, one batch after the other. A step that failed may be repeated. */
export interface Walk {
  readonly way: PurgeWay;
  step(limit: number): Promise<Step>;
  readonly left: LeftBehind;
  /** Keeps where the next run goes on; of a walk that does not begin at the beginning each time. */
  keepPosition?(): Promise<void>;
}

/** Where a walk stopped: kept from run to run. */
export interface PositionStore {
  read(): Promise<string | undefined>;
  write(position: string | undefined): Promise<void>;
}

const nothing = { deleted: 0, worked: 0, hitLocks: false };

/** Bounds of batches are read for so many rows at once, as long as the batches keep their size. */
const rowsAhead = 10_000;
const steadyWithin = 0.25;

/**
 * Deletes in order of expiry, along the index. The lower bound moves along, so that no batch reads over the rows just
 * deleted; it moves only past a range that was seen empty or holds only rows that others have locked. The walk is
 * finished when a pass from the very beginning has found nothing left to delete, or, for a clear, after one pass: what apps
 * write behind it meanwhile is new.
 */
export function expiryWalk(entries: ExpiredEntries, cutoff: Cutoff, passes: 'one' | 'untilNothingIsLeft'): Walk {
  let after: Instant | undefined;
  let ahead: ExpiryRange[] = [];
  let lastLimit = 0;
  let deletedInPass = 0;
  const left: LeftBehind = { ...none };
  return {
    way: 'expiry',
    left,
    async step(limit) {
      const isSteady = Math.abs(limit - lastLimit) <= steadyWithin * limit;
      lastLimit = limit;
      const [known] = ahead;
      if (!known || !isSteady || known.rows > limit)
        ahead = await entries.nextRanges(after, cutoff, limit, isSteady ? Math.ceil(rowsAhead / limit) : 1);
      const range = ahead.shift();
      if (!range) {
        const finished = deletedInPass === 0 || passes === 'one';
        if (!finished) {
          after = undefined;
          deletedInPass = 0;
          Object.assign(left, none);
        }
        return { ...nothing, finished };
      }
      const outcome = await entries.deleteRange(range, cutoff, limit).catch((error: unknown) => {
        ahead = [];
        throw error;
      });
      const { deleted, hitLocks, skipped, kept: more = [], whole } = outcome;
      deletedInPass += deleted;
      const keptNow = more.reduce((sum, rows) => sum + (rows.entries ?? 0), 0);
      // Where only a part was deleted, and not the rest seen locked or kept, the next step looks at the same range again.
      if (deleted === 0 || (!range.tied && (whole || deleted + (skipped ?? 0) + keptNow >= range.rows))) {
        left.skippedLocked += skipped ?? (deleted === 0 ? range.rows : 0);
        left.kept = addKept(left.kept, more);
        after = range.upTo;
      } else ahead = [];
      return { deleted, worked: deleted, hitLocks, finished: false };
    },
  };
}

/**
 * Deletes along the primary key, for a table that has no expiry index and cannot get one: each range is read whole, so
 * the work is bounded however few rows in it expired. Begins where the last run stopped; a walk that began in the middle
 * goes round once more from the start, since only a whole pass has seen every row.
 */
export async function keyWalk(entries: ExpiredEntries, cutoff: Cutoff, store?: PositionStore): Promise<Walk> {
  /** The last key that is done; undefined at the beginning of a pass. */
  // Not known, it begins at the start: that nothing is kept either is said when the run keeps its place.
  let position = await store?.read().catch(() => undefined);
  let whole = position === undefined;
  const left: LeftBehind = { ...none };
  return {
    way: 'key',
    left,
    async step(limit) {
      const range = await entries.nextKeyRange(position, limit);
      if (!range) {
        const finished = whole;
        position = undefined;
        whole = true;
        if (!finished) Object.assign(left, none);
        return { ...nothing, finished };
      }
      const { deleted, hitLocks, skipped, kept: more } = await entries.deleteKeyRange(range, cutoff);
      // Unknown: not all of the range was looked at, and the next step does so again.
      if (skipped !== undefined) {
        left.skippedLocked += skipped;
        left.kept = addKept(left.kept, more);
        position = range.upTo;
      }
      return { deleted, worked: limit, hitLocks, finished: false };
    },
    keepPosition: async () => store?.write(position),
  };
}

/** Rows that a page of a cache table holds at most, by measure: keys have some 70 bytes, and values lie elsewhere. */
const rowsPerPage = 60;

/**
 * Rows of a batch at most. By page a batch of this size is as fast as a larger one, and a sign-in that revives an entry of
 * it waits for some 25 ms instead of 100: measured in docs/performance.md.
 */
const batchRows = 2_500;

/**
 * A large backlog: goes through the table once in the order of storage, then along the expiry index (`rest`) for what is
 * left: rows that were locked, or came to lie in a page already passed, or expired before the page where an earlier run
 * stopped. What the second walk promises so holds for both.
 */
export async function backlogWalk(
  pages: StoredPages,
  cutoff: Date,
  rest: Walk,
  store: PositionStore | undefined,
): Promise<Walk> {
  const end = await pages.count();
  // Not known, it begins at the first page.
  const kept = (await store?.read().catch(() => undefined)) ?? '';
  const from = /^\d{1,10}$/.test(kept) ? Number(kept) : 0;
  // Beyond the end the table was written anew since.
  let next = from < end ? from : 0;
  let perPage = rowsPerPage;
  return {
    way: 'pages',
    left: rest.left,
    async step(limit) {
      if (next >= end) return rest.step(limit);
      const to = Math.min(end, next + Math.max(1, Math.floor(Math.min(limit, batchRows) / perPage)));
      const { deleted, hitLocks } = await pages.deletePages(next, to, cutoff);
      // Only ever more: a batch must not grow beyond its limit where rows are dense after a sparse stretch.
      perPage = Math.max(perPage, deleted / (to - next));
      next = to;
      return { deleted, worked: limit, hitLocks, finished: false };
    },
    keepPosition: async () => store?.write(next < end ? String(next) : undefined),
  };
}
