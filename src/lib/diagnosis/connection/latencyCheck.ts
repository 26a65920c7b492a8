import { type Check, fail, pass, unknown, warn } from '../check.ts';

/** A cache of which single entries are read, as the apps do. */
export interface ReadableSubject {
  /** One read of an entry, in ms each; empty where there is nothing to read. */
  readTimes(signal: AbortSignal): Promise<number[]>;
}

/** ms of a usual read, which a user feels several times a sign-in. */
const slow = { warning: 100, failing: 1_000 };

export const latencyCheck: Check<ReadableSubject> = {
  id: 'latency',
  symptom: 'slow',
  timeLimitMs: 25_000,
  run: async (subject, _clock, signal) => {
    const times = (await subject.readTimes(signal)).sort((a, b) => a - b);
    if (times.length === 0) return pass('The cache is empty: there was no entry to read.');
    const at = (share: number) =>
      Math.round((times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0) * 10) / 10;
    const evidence = [
      { what: 'p50', value: at(0.5), unit: 'ms' },
      { what: 'p95', value: at(0.95), unit: 'ms' },
      { what: 'reads', value: times.length },
    ];
    if (signal.aborted)
      return unknown('time_limit', 'The reads did not end in time.', 'Look at the load of the server.', evidence);
    // The median: a single slow read on a busy machine says nothing of the server.
    if (at(0.5) < slow.warning) return pass(`A read takes ${at(0.5)} ms (p50), ${at(0.95)} ms (p95).`, evidence);
    const trouble = {
      cause: 'slow_reads',
      summary: `A read of one entry takes ${at(0.5)} ms (p50), ${at(0.95)} ms (p95): each sign-in waits for several.`,
      evidence,
      remedy:
        'Look whether this machine and the server are in one region, at the load and tier of the server, and at what blocks it. Apps keep a first-level cache in memory (leave DisableL1Cache off).',
    };
    return at(0.5) >= slow.failing ? fail(trouble) : warn(trouble);
  },
};
