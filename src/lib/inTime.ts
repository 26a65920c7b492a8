import { type Clock, systemClock } from './clock.ts';

/**
 * What `work` gives, or what `late` gives or throws where `ms` pass or `stop` aborts first. The signal that the work has
 * then aborts as well.
 */
export function inTime<T>(
  ms: number,
  stop: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  return withDeadline(systemClock, ms, stop, (signal) => {
    const ended = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return Promise.race([work(signal), ended.then(late)]);
  });
}

/** Runs `work` with a signal that ends it after `ms`, or when `signal` does. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const finished = new AbortController();
  void clock.sleep(ms, finished.signal).then(() => finished.signal.aborted || deadline.abort());
  try {
    return await work(signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
  } finally {
    finished.abort();
  }
}
