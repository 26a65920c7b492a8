import type { InvocationContext } from '@azure/functions';
import { readTimers } from '../../lib/health/health.ts';
import { measureLateness } from '../../lib/health/measureLateness.ts';
import { recordTimerStart } from '../../lib/health/timerStarts.ts';
import { clock, deployment, records, type TimerName, timerPlan } from './app.ts';

/** Measures how late the timers are, and records that this one has started. Storage that fails costs the run a warning. */
export async function noteTimerStart(name: TimerName, context: InvocationContext): Promise<void> {
  const now = clock.now();
  try {
    measureLateness(await readTimers({ records, timers: timerPlan(), deployment, now }));
    await recordTimerStart(records, name, deployment, now);
  } catch (error) {
    context.warn(`The start of ${name} could not be recorded: ${error instanceof Error ? error.message : error}`);
  }
}
