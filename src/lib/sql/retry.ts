import type { Clock } from '../clock.ts';
import { CacheTableError } from './cacheTableError.ts';

export interface Patience {
  clock: Clock;
  /** On the scale of `clock.elapsed()`: no retry begins later. */
  deadline: number;
  signal?: AbortSignal | undefined;
  /** At most; else those of a single question, with the waits some 50 s or more, in which a failover or a paused serverless database comes back. */
  retries?: number;
  onRetry?: ((error: CacheTableError) => void) | undefined;
}

const patientRetries = 9;
/** A name that does not resolve is most often a wrong one. */
const nameRetries = 3;
const firstWaitMs = 100;
const longestWaitMs = 15_000;

/**
 * Runs `work`, again where it failed for a while only: locks in the way, a passing failure, a statement that took too long.
 * Each wait is twice the one before, with a random factor of 1 to 2, so that instances spread. Work that was done when the
 * signal came counts as done.
 */
export async function retryTransient<T>(
  work: () => Promise<T>,
  { clock, deadline, signal, retries = patientRetries, onRetry }: Patience,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    if (signal?.aborted)
      throw new CacheTableError('permanent', 'aborted', 'aborted', 'The run was asked to stop.', 'Start it again.');
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) continue;
      if (!(error instanceof CacheTableError) || error.kind === 'permanent' || error.kind === 'rows') throw error;
      const left = deadline - clock.elapsed();
      if (attempt > (error.code === 'host_not_found' ? nameRetries : retries) || left <= 0) throw error;
      onRetry?.(error);
      const wait = firstWaitMs * 2 ** (attempt - 1) * (1 + clock.random());
      await clock.sleep(Math.min(wait, longestWaitMs, left), signal);
    }
  }
}
