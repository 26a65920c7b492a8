import type { Maintenance } from '../../lib/composition/maintenance.ts';
import type { QueueWork } from '../../lib/composition/queueWork.ts';
import { type HealthReport, readHealth } from '../../lib/health/health.ts';
import { measureLateness } from '../../lib/health/measureLateness.ts';
import { clock, deployment, records, settings, timerPlan } from './app.ts';

/** The jobs that the timers run on each SQL cache. */
const sqlCacheJobs = ['purge', 'index', 'counts'] as const;

/** The jobs that the timers run, with the cache of each. */
export function timedRuns(maintenance: Maintenance): { job: string; cache: string }[] {
  return [
    ...maintenance.sqlCaches.names().flatMap((cache) => sqlCacheJobs.map((job) => ({ job, cache }))),
    ...maintenance.redisCaches.names().map((cache) => ({ job: 'redis', cache })),
    ...maintenance.keyRings.names().map((ring) => ({ job: 'rotateKeyRing', cache: ring })),
  ];
}

export async function currentHealth(maintenance: Maintenance, queue: QueueWork | undefined): Promise<HealthReport> {
  const report = await readHealth({
    records,
    timers: timerPlan(),
    runs: timedRuns(maintenance),
    deployment,
    settingsAreWrong: settings.problems.length > 0,
    now: clock.now(),
    ...(queue && {
      poison: { queue: queue.queue.poison.name, count: () => queue.poisonCount() },
      waiting: { queue: queue.queue.name, nextSince: () => queue.queue.nextSince() },
    }),
  });
  measureLateness(report.timers);
  return report;
}
