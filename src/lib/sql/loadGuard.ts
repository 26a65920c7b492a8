import type { Clock } from '../clock.ts';
import type { CacheTable, LoadReading } from './cacheTable.ts';

/** Above these the run pauses. */
export interface LoadLimits {
  /** Per cent of the database's CPU, log writes or data IO. */
  percent: number;
  /** Sessions that wait for a lock. */
  lockWaits: number;
}

interface LoadGuardOptions {
  table: Pick<CacheTable, 'load'>;
  limits: LoadLimits;
  clock: Clock;
  warnings: Set<string>;
}

const checkEveryMs = 5_000;

/** Asks the database for its load now and then, and holds the run back while it is above a limit. */
export function loadGuard({ table, limits, clock, warnings }: LoadGuardOptions) {
  let nextCheck = 0;
  const reasons = new Set<string>();
  /** What the run waited for, and for how long in ms. */
  const waited = { ms: 0, reasons };

  async function mustWait(): Promise<boolean> {
    const { readings, unknown } = await table
      .load()
      .catch((error: Error) => ({ readings: {}, unknown: [error.message] }));
    for (const reason of unknown) warnings.add(`The database's load is not watched: ${reason}`);
    for (const [name, value] of Object.entries(readings) as [LoadReading, number][]) {
      const limit = name === 'lockWaits' ? limits.lockWaits : limits.percent;
      if (value <= limit) continue;
      if (!reasons.has(name)) warnings.add(`Paused: ${name} is ${value}, above ${limit}.`);
      reasons.add(name);
      return true;
    }
    return false;
  }

  return {
    waited,
    /**
     * Resolves when the load is below its limits; false where it was still above at `deadline` (of `clock.elapsed()`) or the
     * signal aborted. Each reason to wait, and what of the load cannot be seen, becomes a warning.
     */
    async untilHealthy(deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
      if (clock.elapsed() < nextCheck) return true;
      for (;;) {
        const wait = await mustWait();
        nextCheck = clock.elapsed() + checkEveryMs;
        if (!wait) return true;
        const start = clock.elapsed();
        await clock.sleep(Math.min(checkEveryMs, Math.max(0, deadline - start)), signal);
        waited.ms += clock.elapsed() - start;
        if (signal?.aborted || clock.elapsed() >= deadline) return false;
      }
    },
  };
}
