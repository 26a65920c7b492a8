/** What the times of reads say of a server, without the delay of this process's own event loop. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { latencyCheck } from '../../src/lib/findings/diagnosis/connection/timeChecks.ts';

const judge = (ms: number, loopDelay: number) =>
  latencyCheck.run(
    { readTimes: async () => Array.from({ length: 20 }, () => ({ ms, loopDelay })) },
    systemClock,
    new AbortController().signal,
  );

describe('reads', () => {
  it.each([
    [99, 0, 'pass', undefined],
    [120, 0, 'warning', 'slow_reads'],
    [1_100, 0, 'critical', 'slow_reads'],
    [120, 118, 'unknown', 'event_loop_late'],
    [1_100, 1_050, 'unknown', 'event_loop_late'],
    [1_100, 500, 'warning', 'slow_reads'],
  ])('of %i ms, of which the event loop was late by %i: %s', async (ms, loopDelay, status, cause) => {
    const outcome = await judge(ms, loopDelay);
    expect(outcome).toMatchObject({ status, ...(cause && { cause }) });
  });
});
