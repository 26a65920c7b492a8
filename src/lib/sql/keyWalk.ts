import type { Cutoff, ExpiredEntries } from './cacheTable.ts';
import type { Step, Walk } from './walk.ts';

/**
 * Deletes along the primary key, for a table that has no expiry index and cannot get one: each range is read whole, so
 * the work is bounded however few rows in it expired. Begins where the last run stopped; a walk that began in the middle
 * goes round once more from the start, since only a whole pass has seen every row.
 */
export class KeyWalk implements Walk {
  readonly way = 'key';
  readonly #entries: ExpiredEntries;
  readonly #cutoff: Cutoff;
  #position: string | undefined;
  #whole: boolean;
  #skipped = 0;

  constructor(entries: ExpiredEntries, cutoff: Cutoff, startAfter: string | undefined) {
    this.#entries = entries;
    this.#cutoff = cutoff;
    this.#position = startAfter;
    this.#whole = startAfter === undefined;
  }

  get skippedLocked(): number {
    return this.#skipped;
  }

  /** The last key that is done; undefined at the beginning of a pass. */
  get position(): string | undefined {
    return this.#position;
  }

  async step(limit: number): Promise<Step> {
    const range = await this.#entries.nextKeyRange(this.#position, limit);
    if (!range) {
      const finished = this.#whole;
      this.#position = undefined;
      this.#whole = true;
      if (!finished) this.#skipped = 0;
      return { deleted: 0, worked: 0, hitLocks: false, finished };
    }
    const { deleted, hitLocks, skipped } = await this.#entries.deleteKeyRange(range, this.#cutoff);
    // Unknown: not all of the range was looked at, and the next step does so again.
    if (skipped !== undefined) {
      this.#skipped += skipped;
      this.#position = range.upTo;
    }
    return { deleted, worked: limit, hitLocks, finished: false };
  }
}
