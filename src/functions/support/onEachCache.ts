import type { InvocationContext, Timer, TimerHandler } from '@azure/functions';
import type { Maintenance } from '../../lib/composition/maintenance.ts';
import type { RunResult } from '../../lib/runs/runJob.ts';
import { describeProblem, settingsError } from '../../lib/settings/problems.ts';
import { maintenanceFor, settings, type TimerName } from './app.ts';
import { awaitedAtShutdown, stopSignal } from './shutdown.ts';
import { noteTimerStart } from './timerStart.ts';

/** Those of key rings are said by their own function. */
const problems = settings.problems.filter(({ ring, jobs }) => ring === undefined && !jobs?.includes('keyRing'));

export type CacheJob = (maintenance: Maintenance, cache: string, signal: AbortSignal) => Promise<RunResult<object>>;

/** A timer's handler: one job on every SQL cache; see {@link onEach}. */
export function onEachCache(name: TimerName, job: CacheJob): TimerHandler {
  return onEach(name, (maintenance) => maintenance.sqlCaches.names(), job);
}

/** A timer's handler: one job on every Redis cache; see {@link onEach}. */
export function onEachRedisCache(name: TimerName, job: CacheJob): TimerHandler {
  return onEach(name, (maintenance) => maintenance.redisCaches.names(), job);
}

/**
 * One job on each of the caches, side by side, so that a slow or broken one delays no other. Throws at the end where a run
 * failed or a setting is wrong, so that the invocation counts as failed.
 */
function onEach(name: TimerName, caches: (maintenance: Maintenance) => string[], job: CacheJob): TimerHandler {
  return awaitedAtShutdown(async (_timer: Timer, context: InvocationContext) => {
    const maintenance = maintenanceFor(context);
    await noteTimerStart(name, context);
    for (const problem of problems) context.error(`Setting ${describeProblem(problem)}`);
    const results = await Promise.all(caches(maintenance).map((cache) => job(maintenance, cache, stopSignal)));
    const failures = results.flatMap(({ cache, error }) =>
      error ? [`${cache}: ${error.code}: ${error.message} ${error.advice}`] : [],
    );
    if (failures.length > 0) throw new Error(failures.join('\n'));
    if (problems.length > 0) throw settingsError(problems);
  });
}
