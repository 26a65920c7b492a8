import type { Maintenance } from '../lib/composition/maintenance.ts';
import type { RunRecord } from '../lib/runs/recordStore.ts';
import { maintenanceFor, records } from './support/app.ts';
import { timedRuns } from './support/currentHealth.ts';
import { Problem } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { runsQuery } from './support/schemas.ts';

route({
  name: 'runs',
  method: 'GET',
  path: 'runs',
  role: 'TokenCache.Reader',
  query: runsQuery,
  handle: async ({ query, context }) => {
    const limit = Number(query.limit);
    const maintenance = maintenanceFor(context);
    const chosen = [...timedRuns(maintenance), ...diagnoses(maintenance)]
      .filter(({ job, cache }) => job === (query.job ?? job) && cache === (query.cache ?? cache))
      .map(({ job, cache }) => records.latestRuns(job, cache, limit));
    const runs = (await Promise.all(chosen)).flat().sort(newestFirst).slice(0, limit);
    return answer(200, { runs });
  },
});

route({
  name: 'run',
  method: 'GET',
  path: 'runs/{id}',
  role: 'TokenCache.Reader',
  handle: async ({ params }) => {
    const record = await records.getRun(params.id ?? '');
    if (!record)
      throw new Problem(
        404,
        'run_unknown',
        'No run has that id.',
        'Records are kept for 90 days; /api/runs lists the newest.',
      );
    return answer(200, record);
  },
});

function newestFirst(a: RunRecord, b: RunRecord): number {
  return b.startedAt.localeCompare(a.startedAt);
}

/** A diagnosis of one subject is recorded under its name. */
function diagnoses({ sqlCaches, redisCaches, keyRings }: Maintenance): { job: string; cache: string }[] {
  const subjects = new Set(['all', ...sqlCaches.names(), ...redisCaches.names(), ...keyRings.names()]);
  return [...subjects].map((cache) => ({ job: 'diagnose', cache }));
}
