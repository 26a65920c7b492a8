import type { Clock } from '../clock.ts';
import type { BatchOutcome, KeptRows } from './cacheTable.ts';
import { CacheTableError } from './cacheTableError.ts';

/** A range that cannot be deleted as a whole, as an adapter goes through it key by key. */
export interface NarrowedRange {
  /** The next `limit` keys of entries in it that may be deleted, after `after`. */
  keys(after: string | undefined, limit: number): Promise<string[]>;
  /** Deletes these in one transaction; gives how many. */
  remove(keys: readonly string[]): Promise<number>;
  /** How many of them are still there, and may be deleted. */
  left(keys: readonly string[]): Promise<number>;
  /** Fails where it is the table that is locked, and not a row of it. */
  probe(): Promise<unknown>;
  /** Those of them that cannot be deleted by what the error names, which `remove` may pass over then; undefined where that cannot be asked. */
  heldBy?(keys: readonly string[], error: CacheTableError): Promise<string[] | undefined>;
  /** What may keep entries without an error: they are left, and nobody holds them locked. */
  keeper?: string | undefined;
}

/** Keys that are remembered at most: each range that they lie in then needs one try alone. */
const rememberedKeys = 100_000;

/**
 * Deletes around what cannot be deleted: asks which rows a constraint holds, else halves what fails, down to single entries, and passes over these. What is found is
 * remembered for the run. When the time for it is up, what fails is passed over as it is.
 */
export class Narrowing {
  readonly #clock: Clock;
  readonly #keepers = new Map<string, CacheTableError>();
  #leftMs = 30_000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long a run may spend on it. */
  allow(ms: number): void {
    this.#leftMs = ms;
  }

  /** At most `limit` entries of the range. Where not all of it was looked at, `skipped` stays undefined. */
  async removeAround(range: NarrowedRange, limit: number): Promise<BatchOutcome> {
    const start = this.#clock.elapsed();
    const found = { deleted: 0, skipped: 0, kept: new Map<string, KeptRows>() };
    const outcome = (): BatchOutcome => ({
      deleted: found.deleted,
      hitLocks: found.skipped > 0,
      skipped: found.skipped,
      ...(found.kept.size > 0 && { kept: [...found.kept.values()] }),
    });
    const isTimeUp = () => this.#clock.elapsed() - start > this.#leftMs;
    try {
      for (let after: string | undefined; ; ) {
        const keys = await range.keys(after, limit);
        const fresh = keys.filter((key) => {
          const keeper = this.#keepers.get(key);
          if (keeper) keep(found.kept, keeper, 1);
          return !keeper;
        });
        await this.#remove(range, fresh, found, isTimeUp);
        after = keys.at(-1);
        // Behind a page of kept or locked entries only there may be others: "nothing deleted" must mean that nothing could be.
        if (found.deleted > 0 || keys.length < limit) return outcome();
      }
    } catch (error) {
      // What is deleted is deleted, and is counted; the next batch looks at the range again.
      if (found.deleted > 0) return { deleted: found.deleted, hitLocks: true };
      throw error;
    } finally {
      this.#leftMs -= this.#clock.elapsed() - start;
    }
  }

  #keep(kept: Map<string, KeptRows>, error: CacheTableError, key: string): void {
    if (this.#keepers.size < rememberedKeys) this.#keepers.set(key, error);
    keep(kept, error, 1);
  }

  async #remove(
    range: NarrowedRange,
    keys: readonly string[],
    found: { deleted: number; skipped: number; kept: Map<string, KeptRows> },
    isTimeUp: () => boolean,
  ): Promise<void> {
    const [only] = keys;
    if (only === undefined) return;
    try {
      const start = this.#clock.elapsed();
      const deleted = await range.remove(keys);
      found.deleted += deleted;
      // What deletes is not a search.
      if (deleted > 0) this.#leftMs += this.#clock.elapsed() - start;
      // Others may have been revived meanwhile.
      const left = range.keeper && deleted < keys.length ? await range.left(keys) : 0;
      if (range.keeper && left > 0) keepQuietly(found.kept, range.keeper, left);
    } catch (error) {
      if (!(error instanceof CacheTableError) || (error.kind !== 'lock' && error.kind !== 'rows')) throw error;
      const mayAsk = keys.length > 1 && error.kind === 'rows' && !isTimeUp();
      const held = (mayAsk && (await range.heldBy?.(keys, error))) || [];
      if (held.length > 0) {
        for (const key of held) this.#keep(found.kept, error, key);
        const others = new Set(held);
        await this.#remove(
          range,
          keys.filter((key) => !others.has(key)),
          found,
          isTimeUp,
        );
      } else if (keys.length > 1 && !isTimeUp()) {
        const middle = keys.length >> 1;
        await this.#remove(range, keys.slice(0, middle), found, isTimeUp);
        await this.#remove(range, keys.slice(middle), found, isTimeUp);
      } else if (error.kind === 'lock') {
        await range.probe();
        found.skipped += keys.length;
      } else {
        if (keys.length === 1) this.#keep(found.kept, error, only);
        else keep(found.kept, error, keys.length);
      }
    }
  }
}

/** By what keeps them, not by what each row's own error says. */
function keep(kept: Map<string, KeptRows>, error: CacheTableError, entries: number): void {
  add(kept, `${error.engineCode} ${/\((constraint|PL\/pgSQL) .*\)\.?$/.exec(error.message)?.[0] ?? ''}`, {
    entries,
    cause: error.message,
    advice: error.advice,
  });
}

/** What is told of entries that are still there though no error was given. */
export function keptQuietly(keeper: string, entries: number): KeptRows {
  return {
    entries,
    cause: `${keeper} keeps entries from being deleted, without an error.`,
    advice: 'Let it pass what this login deletes, or take it off the table: a cache table needs none.',
  };
}

function keepQuietly(kept: Map<string, KeptRows>, keeper: string, entries: number): void {
  add(kept, keeper, keptQuietly(keeper, entries));
}

function add(kept: Map<string, KeptRows>, key: string, rows: KeptRows): void {
  const known = kept.get(key);
  kept.set(key, known ? { ...known, entries: (known.entries ?? 0) + (rows.entries ?? 0) } : rows);
}

/** Those of several batches put together, each cause once. */
export function addKept(all: readonly KeptRows[], more: readonly KeptRows[] = []): KeptRows[] {
  const sum = new Map<string, KeptRows>();
  for (const rows of [...all, ...more]) add(sum, `${rows.advice} ${causeOf(rows)}`, rows);
  return [...sum.values()];
}

/** The part of a cause that is the same for all its rows. */
const causeOf = ({ cause }: KeptRows) => /\((constraint|PL\/pgSQL) .*\)\.?$/.exec(cause)?.[0] ?? cause;
