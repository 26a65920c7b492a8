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
  return withDeadline(systemClock, ms, stop, (signal) => unlessAborted(work(signal), signal, late));
}

/** What `work` gives, or what `late` gives or throws where the signal aborts first: what hangs is left behind. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, late: () => T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([work, promise.then(late)]);
  } finally {
    signal.removeEventListener('abort', end);
  }
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
