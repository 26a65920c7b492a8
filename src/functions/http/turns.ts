import pLimit from 'p-limit';
import type { Clock } from '../../lib/clock.ts';
import { Problem } from './problem.ts';

interface Bounds {
  atOnce: number;
  /** Requests that wait; what comes beyond is refused at once. */
  waiting: number;
  /** Whoever has waited so long is refused: a run is not begun for somebody who may have gone. */
  patienceMs: number;
}

/** Many may ask at once: so many are worked on, the others wait their turn, and what waits is bounded too. */
export class Turns {
  readonly #bounds: Bounds;
  readonly #clock: Clock;
  readonly #limit;

  constructor(bounds: Bounds, clock: Clock) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#limit = pLimit(bounds.atOnce);
  }

  /** @throws Problem 429, with `Retry-After`, where its turn does not come */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#limit.pendingCount >= this.#bounds.waiting) throw tooMany();
    const turn = new AbortController();
    let refused = false;
    const done = this.#limit(() => {
      turn.abort();
      if (refused) throw tooMany();
      return work();
    });
    // Nobody hears of it where the wait was too long.
    done.catch(() => undefined);
    await this.#clock.sleep(this.#bounds.patienceMs, turn.signal);
    if (!turn.signal.aborted) {
      refused = true;
      throw tooMany();
    }
    return done;
  }
}

const retryAfterSeconds = 10;

function tooMany(): Problem {
  return new Problem(
    'too_many_requests',
    'Too many requests are being worked on. Nothing was done.',
    `Ask again in ${retryAfterSeconds} s; \`Prefer: respond-async\` queues a purge.`,
    {},
    { 'retry-after': String(retryAfterSeconds) },
  );
}
