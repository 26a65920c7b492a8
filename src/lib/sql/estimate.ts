import { z } from 'zod';
import { once } from '../once.ts';
import type { EntrySample, TableFigures } from './cacheTable.ts';

export const entryCount = z.object({
  count: z.int(),
  estimated: z.boolean().meta({ description: 'Counting them exactly would have cost too much.' }),
});
export type EntryCount = z.infer<typeof entryCount>;

/** Those of `all` that are not among `some`, counted a little later or earlier: entries come and go in between. */
export function without(all: EntryCount, some: EntryCount): EntryCount {
  return { count: Math.max(0, all.count - some.count), estimated: all.estimated || some.estimated };
}

/** Counting stops being exact beyond these: a count must not read for long beside the sign-ins. */
const exactRows = 1_000_000;
const exactTimeMs = 2_000;
/** More than these are told by the catalogue where it has a figure: counting out a million takes a third of a second each time. */
const countedOutRows = 100_000;
/** Right to 1 %, which is enough for an estimate and a choice; each row costs the process memory. */
const sampleRows = 2_000;

/**
 * Counts exactly where that is cheap, else estimates from a sample, which is drawn once and only when needed. One
 * instance serves one report, so that its numbers fit each other.
 */
export class Estimator {
  readonly #figures: TableFigures;
  readonly #headers: number;
  readonly sample = once(() => this.#figures.sample(sampleRows, this.#headers));
  readonly catalogue = once(() => this.#figures.catalogue());
  /** The entries of the table: the catalogue's figure, counted out where that one is inexact and small, or missing. */
  readonly total = once(() => this.#countTotal());

  /** @param headers of so many entries of the sample the beginning is read */
  constructor(figures: TableFigures, headers = 0) {
    this.#figures = figures;
    this.#headers = headers;
  }

  /** The entries with `from <= expiry < before`. */
  async within(bounds: { from?: Date; before: Date }): Promise<EntryCount> {
    const counted = await this.#figures.countUpTo(bounds, exactRows + 1, exactTimeMs);
    if (counted !== undefined && counted <= exactRows) return { count: counted, estimated: false };
    const [total, sample] = await Promise.all([this.total(), this.sample()]);
    const [from, before] = [bounds.from?.getTime() ?? Number.NEGATIVE_INFINITY, bounds.before.getTime()];
    const share = shareWithin(sample, from, before);
    return { count: Math.max(counted ?? 0, Math.round(total.count * share)), estimated: true };
  }

  /** The entries without an expiry. */
  async undated(): Promise<EntryCount> {
    const counted = (await this.#figures.countUndated(exactRows + 1, exactTimeMs)) ?? 0;
    return { count: counted, estimated: counted > exactRows };
  }

  oldestExpiry(): Promise<Date | null | undefined> {
    return this.#figures.oldestExpiry(exactTimeMs);
  }

  async #countTotal(): Promise<EntryCount> {
    const { entries, entriesExact } = await this.catalogue();
    if (entries !== undefined && (entriesExact || entries > countedOutRows))
      return { count: entries, estimated: !entriesExact };
    const counted = await this.#figures.countUpTo({}, exactRows + 1, exactTimeMs);
    if (counted !== undefined && counted <= exactRows) return { count: counted, estimated: false };
    return { count: Math.max(entries ?? 0, counted ?? 0), estimated: true };
  }
}

/** The share of a sample with `from <= expiry < before`, in milliseconds; 0 of an empty one. */
export function shareWithin({ expiries }: Pick<EntrySample, 'expiries'>, from: number, before: number): number {
  let inside = 0;
  for (const expiry of expiries) if (expiry < before && expiry >= from) inside += 1;
  return inside / Math.max(1, expiries.length);
}

/** The values at the given fractions of `values`, nearest rank; an empty list has none. */
export function percentiles(values: readonly number[], fractions: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return fractions.flatMap((fraction) => sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? []);
}
