import { type HealthReport, readHealth } from '../../lib/health/health.ts';
import type { Maintenance } from '../../lib/maintenance.ts';
import { clock, deployment, records, settings, timerPlan } from './app.ts';

/** The jobs that the timers run on each SQL cache. */
export const cacheJobs = ['purge', 'index', 'counts'] as const;

export function currentHealth(maintenance: Maintenance): Promise<HealthReport> {
  const caches = maintenance.sqlCaches();
  return readHealth({
    records,
    timers: timerPlan(),
    runs: cacheJobs.flatMap((job) => caches.map((cache) => ({ job, cache }))),
    deployment,
    settingsAreWrong: settings.problems.length > 0,
    now: clock.now(),
  });
}
