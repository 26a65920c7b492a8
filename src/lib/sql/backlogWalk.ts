import type { StoredPages } from './cacheTable.ts';
import type { ExpiryWalk } from './expiryWalk.ts';
import type { Step, Walk } from './walk.ts';

/** Rows that a page of a cache table holds at most, by measure: keys have some 70 bytes, and values lie elsewhere. */
const rowsPerPage = 60;

/**
 * Rows of a batch at most. By page a batch of this size is as fast as a larger one, and a sign-in that revives an entry of
 * it waits for some 25 ms instead of 100: measured in docs/performance.md.
 */
const batchRows = 2_500;

/**
 * A large backlog: goes through the table once in the order of storage, then along the expiry index for what is left (rows
 * that were locked, or came to lie in a page already passed). What the second walk promises so holds for both.
 */
export class BacklogWalk implements Walk {
  readonly way = 'pages';
  readonly #pages: StoredPages;
  readonly #rest: ExpiryWalk;
  readonly #cutoff: Date;
  readonly #end: number;
  #next: number;
  #perPage = rowsPerPage;

  /**
   * `end`: the number of pages when the run began. `position`: where an earlier run stopped; what has expired before it since is
   * the second walk's.
   */
  constructor(pages: StoredPages, end: number, cutoff: Date, rest: ExpiryWalk, position?: string) {
    const from = /^\d{1,10}$/.test(position ?? '') ? Number(position) : 0;
    // Beyond the end the table was written anew since.
    this.#next = from < end ? from : 0;
    this.#pages = pages;
    this.#end = end;
    this.#cutoff = cutoff;
    this.#rest = rest;
  }

  /** For the next run; undefined once each page was seen. */
  get position(): string | undefined {
    return this.#next < this.#end ? String(this.#next) : undefined;
  }

  get skippedLocked(): number {
    return this.#rest.skippedLocked;
  }

  async step(limit: number): Promise<Step> {
    if (this.#next >= this.#end) return this.#rest.step(limit);
    const rows = Math.min(limit, batchRows);
    const to = Math.min(this.#end, this.#next + Math.max(1, Math.floor(rows / this.#perPage)));
    const { deleted, hitLocks } = await this.#pages.deletePages(this.#next, to, this.#cutoff);
    // Only ever more: a batch must not grow beyond its limit where rows are dense after a sparse stretch.
    this.#perPage = Math.max(this.#perPage, deleted / (to - this.#next));
    this.#next = to;
    return { deleted, worked: limit, hitLocks, finished: false };
  }
}
