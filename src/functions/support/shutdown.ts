import { setTimeout as delay } from 'node:timers/promises';
import { app } from '@azure/functions';

/** The host kills its worker 5 s after it has announced the end (`WorkerTerminateGracePeriodInSeconds` in its sources). */
const graceMs = 4_000;
/** For the last answers and log lines to leave the worker. */
const flushMs = 100;

const stopping = new AbortController();
const running = new Set<Promise<unknown>>();

/** Aborted when the instance is taken away; runs then stop after their batch. */
export const stopSignal = stopping.signal;

/** A handler whose runs are waited for when the instance is taken away. */
export function awaitedAtShutdown<A extends unknown[], R>(handler: (...given: A) => Promise<R>) {
  return async (...given: A): Promise<R> => {
    const run = handler(...given);
    running.add(run);
    try {
      return await run;
    } finally {
      running.delete(run);
    }
  };
}

// The worker exits as soon as this hook is done, whatever still runs: a run would be cut in its batch and leave no record.
app.hook.appTerminate(async () => {
  stopping.abort();
  if (running.size === 0) return;
  await Promise.race([Promise.allSettled(running).then(() => delay(flushMs)), delay(graceMs)]);
});
