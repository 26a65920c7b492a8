import type { Maintenance } from '../../lib/composition/maintenance.ts';
import type { HealthReport } from '../../lib/health/health.ts';
import { intervalOf } from '../../lib/health/timerStarts.ts';
import type { RunRecord } from '../../lib/runs/recordStore.ts';
import type { CacheRuns } from '../../lib/status/cacheView.ts';
import type { StatusSources } from '../../lib/status/statusView.ts';
import { records, settings } from './app.ts';

/** Records that the page's plots go back over: a day of counts and two of purges, on the schedules by default. */
const history = { purge: 96, index: 10, counts: 288, redis: 288 };
const ringJobs = ['rotateKeyRing', 'keyRingStatus', 'rewrapKeyRing', 'revokeKeys', 'pruneKeyRing'];
const ringHistory = 10;
const clearHistory = 5;

/** Reads what the status page shows. Records that cannot be read make it say so; it does not fail over them. */
export async function readStatusSources(maintenance: Maintenance, health: HealthReport): Promise<StatusSources> {
  const now = new Date(health.at);
  let recordsReadable = true;
  const readRuns = async (job: string, cache: string, count: number): Promise<RunRecord[]> =>
    records.latestRuns(job, cache, count).catch(() => {
      recordsReadable = false;
      return [];
    });
  const runsOf = (job: keyof typeof history, cache: string) => readRuns(job, cache, history[job]);
  const caches = await Promise.all(
    maintenance.sqlCaches.names().map(async (name): Promise<CacheRuns> => {
      const [purge, index, counts, running] = await Promise.all([
        runsOf('purge', name),
        runsOf('index', name),
        runsOf('counts', name),
        maintenance.sqlCaches.runningPurge(name),
      ]);
      return { name, engine: engineOf(name), running: running ?? null, purge, index, counts };
    }),
  );
  return {
    now,
    health,
    settingProblems: settings.problems,
    recordStore: records.description,
    recordsReadable,
    purgeEveryMs: intervalOf(settings.schedules.purge, now),
    caches,
    redis: await Promise.all(
      maintenance.redisCaches.names().map(async (name) => ({ name, watches: await runsOf('redis', name) })),
    ),
    clears: (await Promise.all(maintenance.cacheNames().map((name) => readRuns('clear', name, clearHistory)))).flat(),
    rings: await Promise.all(
      maintenance.keyRings.names().map(async (name) => {
        const runs = await Promise.all(ringJobs.map((job) => readRuns(job, name, ringHistory)));
        return { name, runs: runs.flat() };
      }),
    ),
  };
}

/** Null of a cache that cannot be used for its settings. */
export function engineOf(cache: string): string | null {
  return settings.caches.find(({ name }) => name === cache)?.engine ?? null;
}
