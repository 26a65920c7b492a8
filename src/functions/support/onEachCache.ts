import { app, type InvocationContext, type TimerHandler } from '@azure/functions';
import { Maintenance } from '../../lib/maintenance.ts';
import type { Log, RunResult } from '../../lib/runs/runJob.ts';
import { describeProblem, settingsError } from '../../lib/settings/problems.ts';
import { readSettings } from '../../lib/settings/settings.ts';

/** Read while the functions register, and never thrown then: an import that throws takes every function with it. */
export const settings = readSettings(process.env, 'none');

// The host says so before it takes an instance away; runs then stop after their batch.
export const stopping = new AbortController();
app.hook.appTerminate(() => stopping.abort());

/** Those of key rings are said by their own function. */
const problems = settings.problems.filter(({ ring, jobs }) => ring === undefined && !jobs?.includes('keyRing'));

export type CacheJob = (maintenance: Maintenance, cache: string, signal: AbortSignal) => Promise<RunResult<object>>;

/**
 * A timer's handler: one job on every SQL cache, side by side, so that a slow or broken one delays no other. Throws at the
 * end where a run failed or a setting is wrong, so that the invocation counts as failed.
 */
export function onEachCache(job: CacheJob): TimerHandler {
  return async (_timer, context) => {
    const maintenance = new Maintenance(settings, logTo(context));
    for (const problem of problems) context.error(`Setting ${describeProblem(problem)}`);
    const results = await Promise.all(maintenance.sqlCaches().map((cache) => job(maintenance, cache, stopping.signal)));
    const failures = results.flatMap(({ cache, error }) =>
      error ? [`${cache}: ${error.code}: ${error.message} ${error.advice}`] : [],
    );
    if (failures.length > 0) throw new Error(failures.join('\n'));
    if (problems.length > 0) throw settingsError(problems);
  };
}

export function logTo(context: InvocationContext): Log {
  return (level, message, data) => context[level](message, JSON.stringify(data));
}
