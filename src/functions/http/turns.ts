import pLimit from 'p-limit';
import type { Clock } from '../../lib/clock.ts';
import { collectGarbage } from '../support/memory.ts';
import { Problem } from './problem.ts';

interface Bounds {
  atOnce: number;
  /** Requests that wait; what comes beyond is refused at once. */
  waiting: number;
  /** Whoever has waited so long is refused: a run is not begun for somebody who may have gone. */
  patienceMs: number;
}

/**
 * By what a request costs: these and the room for all of them keep the process below 200 MB, whatever is asked. Each kind has
 * turns of its own, since long runs must not hide what stands.
 */
export const atOnce = { run: 4, diagnosis: 1, read: 8 };
/** Requests of each kind that wait. host.json takes no more at once than can wait, since a request has its memory before this app sees it. */
export const waiting = 200;

/** Above this, work is begun only where no other is under way: a heap that is full of others' work would grow on. */
const comfortableBytes = 145e6;
const lookEveryMs = 100;
/** What finished work left is thrown away then, so often at most: V8 itself would wait until the heap has grown. */
const collectEveryMs = 2_000;

/** What all turns of a process share: its memory. */
export class Room {
  readonly #clock: Clock;
  readonly #bytes: () => number;
  readonly #collect: () => void;
  #collectedAt = Number.NEGATIVE_INFINITY;
  #atWork = 0;

  constructor(clock: Clock, bytes = () => process.memoryUsage.rss(), collect = collectGarbage) {
    this.#clock = clock;
    this.#bytes = bytes;
    this.#collect = collect;
  }

  /** Resolves when there is room, or somebody gave up waiting for it; the caller leaves what it entered. */
  async enter(gaveUp: () => boolean): Promise<void> {
    if (this.#bytes() > comfortableBytes && this.#clock.elapsed() - this.#collectedAt > collectEveryMs) {
      this.#collectedAt = this.#clock.elapsed();
      this.#collect();
    }
    while (this.#atWork > 0 && this.#bytes() > comfortableBytes && !gaveUp()) await this.#clock.sleep(lookEveryMs);
    this.#atWork += 1;
  }

  leave(): void {
    this.#atWork -= 1;
  }
}

/** Many may ask at once: so many are worked on, the others wait their turn, and what waits is bounded too. */
export class Turns {
  readonly #bounds: Bounds;
  readonly #clock: Clock;
  readonly #limit;
  readonly #room: Room;

  constructor(bounds: Bounds, clock: Clock, room: Room) {
    this.#room = room;
    this.#bounds = bounds;
    this.#clock = clock;
    this.#limit = pLimit(bounds.atOnce);
  }

  /** @throws Problem 429, with `Retry-After`, where its turn does not come */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#limit.pendingCount >= this.#bounds.waiting) throw tooMany();
    const turn = new AbortController();
    let refused = false;
    const done = this.#limit(async () => {
      if (refused) throw tooMany();
      await this.#room.enter(() => refused);
      try {
        turn.abort();
        // Its patience may have ended while it waited for room.
        if (refused) throw tooMany();
        return await work();
      } finally {
        this.#room.leave();
      }
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
