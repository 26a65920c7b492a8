import type { Clock } from './clock.ts';

/** Request ids and times, by which two failures of one store differ. */
const passing = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d{4}-\d\d-\d\dT[\d:.]+Z?/gi;

/** Remembers the lines that were given, so that nobody reads the same one again and again. */
export class Repeats {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #givenAt = new Map<string, number>();

  /** @param forMs after this time a line is new again */
  constructor(clock: Clock, forMs = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Whether the same line was given already, but for ids of requests and times. */
  has(line: string): boolean {
    const key = line.replaceAll(passing, '');
    const now = this.#clock.elapsed();
    for (const [given, at] of this.#givenAt) if (now - at >= this.#forMs) this.#givenAt.delete(given);
    if (this.#givenAt.has(key)) return true;
    this.#givenAt.set(key, now);
    return false;
  }
}
