import type { Clock } from '../../lib/clock.ts';

/**
 * What many may ask for at once: made once for all who ask within `maxAgeMs`, so that readers cannot load the storage, or
 * take the time of a run. A failure is shared like an answer.
 */
export class SharedCopy<T> {
  readonly #maxAgeMs: number;
  readonly #clock: Clock;
  #copy: { takenAt: number; value: Promise<T> } | undefined;

  constructor(maxAgeMs: number, clock: Clock) {
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  get(make: () => Promise<T>): Promise<T> {
    if (!this.#copy || this.#clock.elapsed() - this.#copy.takenAt > this.#maxAgeMs)
      this.#copy = { takenAt: this.#clock.elapsed(), value: make() };
    return this.#copy.value;
  }

  /** What is asked for from now on is made anew. */
  forget(): void {
    this.#copy = undefined;
  }
}
