/** Tells the load, by thread, when its next operation is due: timers of an event loop are late by up to a millisecond. */
import { parentPort, workerData } from 'node:worker_threads';
import { now } from './children.ts';

const { intervalMs, limitMs } = workerData as { intervalMs: number; limitMs: number };
const never = new Int32Array(new SharedArrayBuffer(4));
const start = now();
for (let due = start; due < start + limitMs; due += intervalMs) {
  Atomics.wait(never, 0, 0, Math.max(0, due - now()));
  parentPort?.postMessage(due);
}
