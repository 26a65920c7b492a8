import pLimit from 'p-limit';
import { z } from 'zod';
import { MaintenanceError } from '../lib/errors.ts';
import { jobNames, jobs } from '../lib/runs/catalogue.ts';
import { newestFirst } from '../lib/runs/history.ts';
import { findRun, listRuns } from '../lib/runs/pendingRuns.ts';
import { orUnavailable } from '../lib/runs/recordStore.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { answer, route } from './http/route.ts';
import { runsQuery } from './http/schemas.ts';
import { clock, maintenanceFor, records } from './support/app.ts';

/** Reads of the record store at once: there may be thousands of jobs and caches. */
const readsAtOnce = 32;

route({
  name: 'runs',
  method: 'GET',
  path: 'runs',
  role: 'TokenCache.Reader',
  turn: 'read',
  summary: 'The newest runs; the parts of a purge as one.',
  query: runsQuery,
  answers: {
    200: { description: 'Newest first.', schema: z.object({ runs: z.array(runRecord) }).meta({ id: 'Runs' }) },
  },
  errors: ['cache_unknown', 'records_unavailable'],
  handle: async ({ query, context }) => {
    const limit = Number(query.limit);
    const subject = query.subject ?? query.cache;
    const { names } = maintenanceFor(context);
    if (subject !== undefined && !names.any.includes(subject))
      throw new MaintenanceError(
        'cache_unknown',
        'No cache or key ring has that name.',
        `Choose one of: ${names.any.join(', ')}.`,
      );
    const atOnce = pLimit(readsAtOnce);
    const chosen = jobNames
      .filter((job) => job === (query.job ?? job))
      .flatMap((job) => names[jobs[job].on].map((name) => ({ job, name })))
      .filter(({ name }) => name === (subject ?? name))
      .map(({ job, name }) => atOnce(() => listRuns(records, job, name, limit, clock.now())));
    const runs = (await orUnavailable(Promise.all(chosen))).flat().sort(newestFirst);
    return answer(200, { runs: runs.slice(0, limit) });
  },
});

route({
  name: 'run',
  method: 'GET',
  path: 'runs/{id}',
  role: 'TokenCache.Reader',
  turn: 'read',
  summary: 'One run, done or not; a purge in parts by the id of its first, as their sum.',
  answers: { 200: { description: 'Its record.', schema: runRecord } },
  errors: ['run_unknown', 'records_unavailable'],
  handle: async ({ params }) => {
    const record = await orUnavailable(findRun(records, params.id ?? '', clock.now()));
    if (record) return answer(200, record);
    throw new MaintenanceError(
      'run_unknown',
      'No run has that id.',
      'Records are kept for 90 days; /api/runs lists the newest.',
    );
  },
});
