import type { Clock } from '../clock.ts';

const dayMs = 86_400_000;

/** What is known of one table and its server from an earlier run. */
export interface Kept<F> {
  read(): F | undefined;
  write(facts: F): void;
  forget(): void;
}

/**
 * What does not change between two runs, kept in the memory of this process: for a day, and until a run fails. The record store
 * keeps none of it: it would be one more to ask, where the database is asked in each run anyway.
 */
export class KeptFacts {
  readonly #facts = new Map<string, { value: unknown; at: number }>();
  readonly #clock: Pick<Clock, 'elapsed'>;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  of<F>(subject: string, lastsMs = dayMs): Kept<F> {
    return {
      read: () => {
        const kept = this.#facts.get(subject);
        return kept && this.#clock.elapsed() - kept.at < lastsMs ? (kept.value as F) : undefined;
      },
      write: (value) => void this.#facts.set(subject, { value, at: this.#clock.elapsed() }),
      forget: () => void this.#facts.delete(subject),
    };
  }
}
