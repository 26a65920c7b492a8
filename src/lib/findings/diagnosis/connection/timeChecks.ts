import { type Check, critical, pass, unknown, warning } from '../../../checks/check.ts';
import { humanDuration } from '../../../durations.ts';
import { percentile, type RoundTrip, withoutDelay } from '../../../roundTrips.ts';

/** A cache of which single entries are read, as the apps do. */
export interface ReadableSubject {
  /** One read of an entry each; empty where there is nothing to read. */
  readTimes(signal: AbortSignal): Promise<RoundTrip[]>;
}

/** ms of a usual read, which a user feels several times a sign-in. */
const slow = { warning: 100, failing: 1_000 };

export const latencyCheck: Check<ReadableSubject> = {
  id: 'latency',
  symptom: 'slow',
  timeLimitMs: 25_000,
  run: async (subject, _clock, signal) => {
    const reads = await subject.readTimes(signal);
    if (reads.length === 0) return pass('The cache is empty: there was no entry to read.');
    const times = reads.map(({ ms }) => ms);
    const [p50, p95] = [tenths(percentile(times, 0.5)), tenths(percentile(times, 0.95))];
    const ofServer = percentile(reads.map(withoutDelay), 0.5);
    const delay = tenths(Math.max(...reads.map(({ loopDelay }) => loopDelay)));
    const evidence = [
      { what: 'p50', value: p50, unit: 'ms' },
      { what: 'p95', value: p95, unit: 'ms' },
      { what: 'reads', value: reads.length },
      ...(delay > 0 ? [{ what: 'longest delay of the event loop of this process', value: delay, unit: 'ms' }] : []),
    ];
    if (signal.aborted)
      return unknown('time_limit', 'The reads did not end in time.', 'Look at the load of the server.', evidence);
    // The median: a single slow read on a busy machine says nothing of the server.
    if (p50 < slow.warning) return pass(`A read takes ${p50} ms (p50), ${p95} ms (p95).`, evidence);
    if (ofServer < slow.warning)
      return unknown(
        'event_loop_late',
        `A read takes ${p50} ms (p50), but the event loop of this process was late by up to ${delay} ms: the speed of the server was not judged.`,
        'Run the diagnosis again when this process has less to do, or give it more CPU.',
        evidence,
      );
    const trouble = {
      cause: 'slow_reads',
      what: `A read of one entry takes ${p50} ms (p50), ${p95} ms (p95): each sign-in waits for several.`,
      evidence,
      advice:
        'Look whether this machine and the server are in one region, at the load and tier of the server, and at what blocks it. Apps keep a first-level cache in memory (leave DisableL1Cache off).',
    };
    return ofServer >= slow.failing ? critical(trouble) : warning(trouble);
  },
};

/** A server whose clock can be read. */
interface ClockedSubject {
  clocks(): Promise<{ server: Date; own: Date; roundTripMs: number } | undefined>;
}

/** ms. Data Protection allows for 5 minutes, and so do the checks of tokens. */
const skew = { warning: 30_000, failing: 300_000 };

export const clockCheck: Check<ClockedSubject> = {
  id: 'clock-skew',
  symptom: 'prompts',
  timeLimitMs: 20_000,
  run: async (subject) => {
    const reading = await subject.clocks();
    if (!reading) return pass('The server does not tell its time.');
    const { server, own, roundTripMs } = reading;
    const ahead = own.getTime() - roundTripMs / 2 - server.getTime();
    const evidence = [
      { what: "this machine's clock is ahead by", value: Math.round(ahead), unit: 'ms' },
      { what: 'round trip', value: tenths(roundTripMs), unit: 'ms' },
    ];
    if (Math.abs(ahead) < skew.warning) return pass('The clocks agree.', evidence);
    const trouble = {
      cause: 'clock_skew',
      what: `This machine's clock and the server's differ by ${humanDuration(Math.abs(ahead))}: entries end too early or too late, and so do tokens.`,
      evidence,
      advice:
        'Set the clock that is wrong (NTP), on the servers of the apps as well: they stamp the expiry of the entries.',
    };
    return Math.abs(ahead) >= skew.failing ? critical(trouble) : warning(trouble);
  },
};

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
