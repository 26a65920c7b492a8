import { setTimeout as delay } from 'node:timers/promises';

/** Time as the jobs see it. Passed in, so that a test can turn the clock. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date;
  /** Milliseconds of a clock that never jumps, for measuring durations. */
  elapsed(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 to below 1, by which waits differ, so that instances spread. */
  random(): number;
}

/** So far, in ms, the clocks of instances may differ where all is well. */
const clockToleranceMs = 300_000;

/**
 * Whether this was dated by a clock that is fast, as seen at `now`: it proves nothing about the present. The one judge of that,
 * of records and of states alike.
 */
export function isAhead(at: string | number, now: Date): boolean {
  return new Date(at).getTime() - now.getTime() > clockToleranceMs;
}

export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
  random: () => Math.random(),
};
