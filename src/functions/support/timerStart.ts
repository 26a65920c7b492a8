import type { InvocationContext } from '@azure/functions';
import { recordTimerStart } from '../../lib/findings/timers.ts';
import { clock, deployment, records, timers } from './app.ts';

/** Records that a timer has started. Storage that fails costs the run a warning. */
export async function noteTimerStart(name: string, context: InvocationContext): Promise<void> {
  try {
    const timer = timers.find((each) => each.name === name);
    if (timer) await recordTimerStart(records, timer, deployment, clock.now());
  } catch (error) {
    context.warn(`The start of ${name} could not be recorded: ${error instanceof Error ? error.message : error}`);
  }
}
