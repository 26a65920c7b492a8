import type { Clock } from '../../lib/clock.ts';

/** What is not made by then hangs: it is tried anew for those who ask. */
const hangsAfterMs = 15_000;

/**
 * What many may ask for at once: made once for all who ask while it is being made, or within `maxAgeMs` of its beginning, so
 * that readers cannot load the storage, or take the time of a run. A failure is shared like an answer.
 */
export class SharedCopy<T> {
  readonly #maxAgeMs: number;
  readonly #clock: Clock;
  #copy: { begunAt: number; value: Promise<T>; made: boolean } | undefined;

  constructor(maxAgeMs: number, clock: Clock) {
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  get(make: () => Promise<T>): Promise<T> {
    if (
      !this.#copy ||
      this.#clock.elapsed() - this.#copy.begunAt >= (this.#copy.made ? this.#maxAgeMs : hangsAfterMs)
    ) {
      const copy = { begunAt: this.#clock.elapsed(), value: make(), made: false };
      const done = () => {
        copy.made = true;
      };
      copy.value.then(done, done);
      this.#copy = copy;
    }
    return this.#copy.value;
  }
}
