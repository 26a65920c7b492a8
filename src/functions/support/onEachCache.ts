import { app, type InvocationContext, type TimerHandler } from '@azure/functions';
import { Maintenance } from '../../lib/maintenance.ts';
import type { Log, RunResult } from '../../lib/runs/runJob.ts';
import { describeProblem, settingsError } from '../../lib/settings/problems.ts';
import { readSettings } from '../../lib/settings/settings.ts';

/** Read while the functions register, and never thrown then: an import that throws takes every function with it. */
export const settings = readSettings(process.env, 'none');

// The host says so before it takes an instance away; runs then stop after their batch.
const stopping = new AbortController();
app.hook.appTerminate(() => stopping.abort());

export type CacheJob = (maintenance: Maintenance, cache: string, signal: AbortSignal) => Promise<RunResult<object>>;

/** A timer's handler: one job on every SQL cache; see {@link onEach}. */
export function onEachCache(job: CacheJob): TimerHandler {
  return onEach((maintenance) => maintenance.sqlCaches(), job);
}

/** A timer's handler: one job on every Redis cache; see {@link onEach}. */
export function onEachRedisCache(job: CacheJob): TimerHandler {
  return onEach((maintenance) => maintenance.redisCaches(), job);
}

/**
 * One job on each of the caches, side by side, so that a slow or broken one delays no other. Throws at the end where a run
 * failed or a setting is wrong, so that the invocation counts as failed.
 */
function onEach(caches: (maintenance: Maintenance) => string[], job: CacheJob): TimerHandler {
  return async (_timer, context) => {
    const maintenance = new Maintenance(settings, logTo(context));
    for (const problem of settings.problems) context.error(`Setting ${describeProblem(problem)}`);
    const results = await Promise.all(caches(maintenance).map((cache) => job(maintenance, cache, stopping.signal)));
    const failures = results.flatMap(({ cache, error }) =>
      error ? [`${cache}: ${error.code}: ${error.message} ${error.advice}`] : [],
    );
    if (failures.length > 0) throw new Error(failures.join('\n'));
    if (settings.problems.length > 0) throw settingsError(settings.problems);
  };
}

function logTo(context: InvocationContext): Log {
  return (level, message, data) => context[level](message, JSON.stringify(data));
}
