import { type Clock, systemClock } from '../clock.ts';
import { withDeadline } from '../inTime.ts';

/** In ms. A ring has a store and a vault to wait for: 30 s in all. */
export const silenceMs = 15_000;
/** One call, in ms, so that a line which went dead leaves time for another try. */
const callMs = 7_000;
/** In ms, for a call to end by its signal, and say what it waited for. */
const graceMs = 200;

/**
 * How long a run waits for its store or its vault: no longer than so much in all for calls that fail, tries again
 * included. What answers may be asked for as long as the work takes.
 */
export class Patience {
  /** The longest that one call is waited for. */
  readonly eachMs: number;
  readonly #clock: Clock;
  #leftMs: number;

  constructor({ allMs = silenceMs, eachMs = callMs, clock = systemClock as Clock } = {}) {
    this.#clock = clock;
    this.eachMs = eachMs;
    this.#leftMs = allMs;
  }

  /** Another try has no time left. */
  get isOver(): boolean {
    return this.#leftMs <= 0;
  }

  /**
   * Makes a call, which its signal ends. One that does not heed the signal is waited for no longer.
   * @throws what the call does; where its time is over, an error with the name `AbortError`
   */
  async ask<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.isOver) throw noAnswer();
    const start = this.#clock.elapsed();
    try {
      return await withDeadline(this.#clock, Math.min(this.eachMs, this.#leftMs), undefined, (signal) =>
        Promise.race([call(signal), abortOf(signal)]),
      );
    } catch (error) {
      this.#leftMs -= this.#clock.elapsed() - start;
      throw error;
    }
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(noAnswer()), graceMs), { once: true });
  });
}

function noAnswer(): Error {
  return Object.assign(new Error('no answer in time'), { name: 'AbortError' });
}
