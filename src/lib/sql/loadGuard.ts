import type { Clock } from '../clock.ts';
import type { CacheTable, LoadReading } from './cacheTable.ts';

/** Above these the run pauses. */
export interface LoadLimits {
  /** Per cent of the database's CPU, log writes or data IO. */
  percent: number;
  /** Sessions that wait for a lock. */
  lockWaits: number;
}

const checkEveryMs = 5_000;

/** Asks the database for its load now and then, and holds the run back while it is above a limit. */
export class LoadGuard {
  readonly #table: CacheTable;
  readonly #limits: LoadLimits;
  readonly #clock: Clock;
  #nextCheck = 0;
  #waitedMs = 0;
  readonly #reasons = new Set<string>();
  readonly #unknown = new Set<string>();

  constructor(table: CacheTable, limits: LoadLimits, clock: Clock) {
    this.#table = table;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** What the run waited for, for how long in ms, and what of the load it could not see. */
  get waited(): { ms: number; reasons: string[]; unknown: string[] } {
    return { ms: this.#waitedMs, reasons: [...this.#reasons], unknown: [...this.#unknown] };
  }

  /**
   * Resolves when the load is below its limits, telling each reason to wait by `onWait`; false where it was still above
   * at `deadline` (of `clock.elapsed()`) or the signal aborted.
   */
  async untilHealthy(
    deadline: number,
    signal: AbortSignal | undefined,
    onWait: (reason: string) => void,
  ): Promise<boolean> {
    if (this.#clock.elapsed() < this.#nextCheck) return true;
    for (;;) {
      const reason = await this.#reasonToWait();
      this.#nextCheck = this.#clock.elapsed() + checkEveryMs;
      if (!reason) return true;
      if (!this.#reasons.has(reason.kind)) onWait(reason.text);
      this.#reasons.add(reason.kind);
      const start = this.#clock.elapsed();
      await this.#clock.sleep(Math.min(checkEveryMs, Math.max(0, deadline - start)), signal);
      this.#waitedMs += this.#clock.elapsed() - start;
      if (signal?.aborted || this.#clock.elapsed() >= deadline) return false;
    }
  }

  async #reasonToWait(): Promise<{ kind: string; text: string } | undefined> {
    const { readings, unknown } = await this.#table
      .load()
      .catch((error: Error) => ({ readings: {}, unknown: [error.message] }));
    for (const reason of unknown) this.#unknown.add(reason);
    for (const [name, value] of Object.entries(readings) as [LoadReading, number][]) {
      const limit = name === 'lockWaits' ? this.#limits.lockWaits : this.#limits.percent;
      if (value > limit) return { kind: name, text: `${name} is ${value}, above ${limit}` };
    }
    return undefined;
  }
}
