import { parseDuration } from '../durations.ts';
import { instruments } from '../telemetry/metrics.ts';
import type { TimerHealth } from './health.ts';

/** Exports how late the timers are: at each start of one for all of them, since one that is dead cannot say so. */
export function measureLateness(timers: readonly TimerHealth[]): void {
  for (const { name, lateness } of timers) {
    const ms = lateness === null ? 0 : (parseDuration(lateness) ?? 0);
    instruments.timerLateness.record(ms / 1000, { job: name });
  }
}
