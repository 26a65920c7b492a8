import type { InvocationContext } from '@azure/functions';
import { recordTimerStart } from '../../lib/findings/timers.ts';
import { clock, deployment, records } from './app.ts';

/** Records that a timer has started. Storage that fails costs the run a warning. */
export async function noteTimerStart(name: string, context: InvocationContext): Promise<void> {
  try {
    await recordTimerStart(records, name, deployment, clock.now());
  } catch (error) {
    context.warn(`The start of ${name} could not be recorded: ${error instanceof Error ? error.message : error}`);
  }
}
