import pLimit from 'p-limit';
import { findRun } from '../lib/runs/pendingRuns.ts';
import type { RunRecord } from '../lib/runs/recordStore.ts';
import { maintenanceFor, records } from './support/app.ts';
import { Problem } from './support/problem.ts';
import { recordedRuns } from './support/recordedRuns.ts';
import { answer, route } from './support/route.ts';
import { runsQuery } from './support/schemas.ts';

/** Reads of the record store at once: there may be thousands of jobs and caches. */
const readsAtOnce = 32;

route({
  name: 'runs',
  method: 'GET',
  path: 'runs',
  role: 'TokenCache.Reader',
  query: runsQuery,
  handle: async ({ query, context }) => {
    const limit = Number(query.limit);
    const atOnce = pLimit(readsAtOnce);
    const chosen = recordedRuns(maintenanceFor(context))
      .filter(({ job, cache }) => job === (query.job ?? job) && cache === (query.cache ?? cache))
      .map(({ job, cache }) => atOnce(() => records.latestRuns(job, cache, limit)));
    const runs = (await readable(Promise.all(chosen))).flat().sort(newestFirst).slice(0, limit);
    return answer(200, { runs });
  },
});

route({
  name: 'run',
  method: 'GET',
  path: 'runs/{id}',
  role: 'TokenCache.Reader',
  handle: async ({ params }) => {
    const record = await readable(findRun(records, params.id ?? ''));
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

/** Storage that does not answer is no defect of ours. */
function readable<T>(reading: Promise<T>): Promise<T> {
  return reading.catch(() => {
    throw new Problem(
      503,
      'records_unavailable',
      'The records of runs cannot be read. Runs themselves go on without.',
      "See whether AzureWebJobsStorage, the storage account's network rules and the identity's role (Storage Table Data Contributor) are right.",
    );
  });
}

function newestFirst(a: RunRecord, b: RunRecord): number {
  return b.startedAt.localeCompare(a.startedAt);
}
