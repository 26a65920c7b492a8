import type { InvocationContext } from '@azure/functions';
import { systemClock } from '../../lib/clock.ts';
import { Repeats } from '../../lib/repeats.ts';
import type { Log } from '../../lib/runs/runJob.ts';

const logs = new WeakMap<InvocationContext, Log>();

/** The log of an invocation, whose runs may be many: a warning that one of them gave is given once. */
export function logTo(context: InvocationContext): Log {
  const known = logs.get(context);
  if (known) return known;
  const warnings = new Repeats(systemClock);
  const log: Log = (level, message, data) => {
    if (level !== 'warn' || !warnings.has(message)) context[level](message, JSON.stringify(data));
  };
  logs.set(context, log);
  return log;
}
