import pRetry from 'p-retry';
import { CacheTableError } from './cacheTableError.ts';

export interface RetryOptions {
  /** Retries at most. */
  retries: number;
  /** No retry begins later than this from now. */
  withinMs: number;
  signal?: AbortSignal | undefined;
  onRetry?: (error: CacheTableError) => void;
}

/** Retries of a single question: with the backoff some 50 s or more, in which a failover or a paused serverless database comes back. */
export const patientRetries = 9;
/** A name that does not resolve is most often a wrong one. */
const nameRetries = 3;

/** Backoff from 0.1 s, doubled each time up to 15 s, each with a random factor of 1 to 2, so that instances spread. */
const backoff = { minTimeout: 100, factor: 2, maxTimeout: 15_000, randomize: true };

/**
 * Runs `work`, again where it failed for a while only: locks in the way, a passing failure, a statement that took too long.
 * Work that was done when the signal came counts as done.
 */
export async function retryTransient<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  let done: { value: T } | undefined;
  const attempt = async () => {
    done = { value: await work() };
    return done.value;
  };
  const result = pRetry(attempt, {
    ...backoff,
    retries: options.retries,
    maxRetryTime: Math.max(1, options.withinMs),
    ...(options.signal && { signal: options.signal }),
    shouldRetry: ({ error, attemptNumber }) =>
      error instanceof CacheTableError &&
      error.kind !== 'permanent' &&
      (error.code !== 'host_not_found' || attemptNumber <= nameRetries),
    onFailedAttempt: ({ error, retryDelay }) => {
      if (retryDelay > 0 && error instanceof CacheTableError) options.onRetry?.(error);
    },
  }).catch((error: unknown) => {
    if (!options.signal?.aborted || error instanceof CacheTableError) throw error;
    throw new CacheTableError('permanent', 'aborted', 'aborted', 'The run was asked to stop.', 'Start it again.');
  });
  return result.catch((error: unknown) => {
    if (done) return done.value;
    throw error;
  });
}
