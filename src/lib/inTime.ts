import type { Clock } from './clock.ts';

/**
 * What `work` gives, or what `late` gives or throws where `ms` pass or `stop` aborts first. The signal that the work has
 * then aborts as well.
 */
export async function inTime<T>(
  ms: number,
  stop: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(), ms);
  const signal = stop ? AbortSignal.any([stop, time.signal]) : time.signal;
  const ended = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    return await Promise.race([work(signal), ended.then(late)]);
  } finally {
    clearTimeout(timer);
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
