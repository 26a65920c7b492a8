/** Limits and aim of the batch size. */
export interface BatchSizeOptions {
  /** The time that a batch should take, in ms. */
  targetMs: number;
  /** Rows that a batch may have at most: the engine's limit. */
  maxRows: number;
}

export const minBatchRows = 10;
const largestGrowth = 1.5;
const overrunFactor = 5;
/** Weight of the newest batch in the smoothed rate: a single slow batch moves it, but does not set it. */
const smoothing = 0.4;

/**
 * Chooses how many rows the next batch asks for, so that it takes about `targetMs`. Grows by at most half each step; is
 * cut to half at once where a batch met locks or took five times its target, since a batch holds its locks that long.
 */
export class BatchSize {
  readonly #options: BatchSizeOptions;
  #rows: number;
  /** Smoothed rows per ms. */
  #rate: number | undefined;

  constructor(options: BatchSizeOptions) {
    this.#options = options;
    this.#rows = this.#clamp(1_000);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Learns from a batch that asked for `asked` rows, worked off `worked` of them and took `durationMs`. */
  observe(asked: number, worked: number, durationMs: number, hitLocks: boolean): void {
    if (hitLocks || durationMs > overrunFactor * this.#options.targetMs) {
      this.halve();
      return;
    }
    // A short batch's time is mostly the way to the database, and says little about the rate.
    if (worked < asked / 2 || worked === 0) return;
    const rate = worked / Math.max(durationMs, 0.1);
    this.#rate = this.#rate === undefined ? rate : smoothing * rate + (1 - smoothing) * this.#rate;
    this.#rows = this.#clamp(Math.min(this.#rows * largestGrowth, this.#rate * this.#options.targetMs));
  }

  /** Cuts the size to half, and forgets the rate that led to it. */
  halve(): void {
    this.#rows = this.#clamp(this.#rows / 2);
    this.#rate = undefined;
  }

  #clamp(rows: number): number {
    return Math.max(Math.min(minBatchRows, this.#options.maxRows), Math.min(this.#options.maxRows, Math.floor(rows)));
  }
}
