import type { Cutoff, ExpiredEntries, Instant } from './cacheTable.ts';
import type { Step, Walk } from './walk.ts';

/**
 * Deletes in order of expiry, along the index. The lower bound moves along, so that no batch reads over the rows just
 * deleted; it moves only past a range that was seen empty or holds only rows that others have locked. The walk is
 * finished when a pass from the very beginning has found nothing left to delete, or, for a clear, after one pass: what apps
 * write behind it meanwhile is new.
 */
export class ExpiryWalk implements Walk {
  readonly way = 'expiry';
  readonly #entries: ExpiredEntries;
  readonly #cutoff: Cutoff;
  readonly #passes: 'one' | 'untilNothingIsLeft';
  #after: Instant | undefined;
  #deletedInPass = 0;
  #lockedInPass = 0;

  constructor(entries: ExpiredEntries, cutoff: Cutoff, passes: 'one' | 'untilNothingIsLeft' = 'untilNothingIsLeft') {
    this.#entries = entries;
    this.#cutoff = cutoff;
    this.#passes = passes;
  }

  get skippedLocked(): number {
    return this.#lockedInPass;
  }

  async step(limit: number): Promise<Step> {
    const range = await this.#entries.nextRange(this.#after, this.#cutoff, limit);
    if (!range) return { deleted: 0, worked: 0, hitLocks: false, finished: !this.#startOver() };
    const { deleted, hitLocks, skipped } = await this.#entries.deleteRange(range, this.#cutoff, limit);
    this.#deletedInPass += deleted;
    const done = deleted === 0 || (!range.tied && deleted + (skipped ?? 0) >= range.rows);
    // Where only a part was deleted, and not the rest seen locked, the next step looks at the same range again.
    if (done) {
      this.#lockedInPass += skipped ?? (deleted === 0 ? range.rows : 0);
      this.#after = range.upTo;
    }
    return { deleted, worked: deleted, hitLocks, finished: false };
  }

  /** At the end of the order: false where this pass was the only one, or deleted nothing, so that nothing is left. */
  #startOver(): boolean {
    if (this.#deletedInPass === 0 || this.#passes === 'one') return false;
    this.#after = undefined;
    this.#deletedInPass = 0;
    this.#lockedInPass = 0;
    return true;
  }
}
