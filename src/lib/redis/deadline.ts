import type { Clock } from '../clock.ts';

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
