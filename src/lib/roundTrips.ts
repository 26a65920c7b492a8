import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from './clock.ts';

/** A round trip to a server, in ms. */
export interface RoundTrip {
  ms: number;
  /** Longest delay of this process's own event loop around it: up to so much of `ms` is this process's doing. 0 where it was on time. */
  loopDelay: number;
}

/**
 * On both sides of a round trip, in ms: the monitor measures from its first tick on, and a series that is over in a
 * millisecond would see one instant only.
 */
const pauseMs = 5;
/** Timers of a loop that is on time are as late as this now and then, in ms. */
const onTimeMs = 5;

/** Times a round trip for each item, one after the other, and the delay of this process's own event loop beside each. */
export async function timeEach<T>(
  items: Iterable<T>,
  ask: (item: T) => Promise<unknown>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<RoundTrip[]> {
  const trips: RoundTrip[] = [];
  for (const item of items) {
    if (signal?.aborted) break;
    const monitor = monitorEventLoopDelay({ resolution: 1 });
    monitor.enable();
    try {
      await clock.sleep(pauseMs);
      const start = clock.elapsed();
      await ask(item);
      const ms = clock.elapsed() - start;
      // A delay is recorded when it is over, after the answer has been read.
      await clock.sleep(pauseMs);
      const delay = monitor.max / 1e6;
      trips.push({ ms, loopDelay: delay > onTimeMs ? delay : 0 });
    } finally {
      monitor.disable();
    }
  }
  return trips;
}

/** What is left of a round trip without the loop's own delay: the server's and the network's for certain. */
export function withoutDelay({ ms, loopDelay }: RoundTrip): number {
  return Math.max(0, ms - loopDelay);
}

/** By nearest rank; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
