import { parseDuration } from '../lib/durations.ts';
import { codesOf } from '../lib/errorCodes.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { chooseCache } from './http/chooseCache.ts';
import { refuseUnended } from './http/problem.ts';
import { answer, route } from './http/route.ts';
import { purgeRequest } from './http/schemas.ts';
import { maintenanceFor, queueFor, records } from './support/app.ts';
import { stopSignal } from './support/shutdown.ts';

route({
  name: 'purge',
  method: 'POST',
  path: 'purge',
  role: 'TokenCache.Operator',
  turn: 'run',
  summary: 'Delete expired entries of a SQL cache; a dry run unless `dryRun` is false.',
  body: purgeRequest,
  headers: { Prefer: '`respond-async`: the purge is queued, and goes on until nothing is left.' },
  answers: {
    200: { description: 'The run, with its report.', schema: runRecord },
    202: { description: 'The run is queued; `Location` tells of it.', schema: runRecord, headers: ['location'] },
  },
  errors: [
    'cache_unknown',
    'cache_required',
    'run_in_progress',
    'queue_unavailable',
    'records_unavailable',
    'settings_invalid',
    'purge_request_invalid',
    'aborted',
    ...codesOf.database,
  ],
  handle: async ({ body, requester, request, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.names.sqlCache, 'SQL cache');
    const { dryRun, maxRows } = body;
    const olderThanMs = body.olderThan === undefined ? undefined : parseDuration(body.olderThan);
    const options = { dryRun, maxRows, olderThanMs, timeBudgetMs: parseDuration(body.timeBudget) };
    // Without records nobody could be told of the run.
    const queued = prefersAsync(request.headers.get('prefer')) && records.description !== 'none';
    const queue = queued ? queueFor(context) : undefined;
    if (queue) {
      const run = await queue.put({
        job: 'purge',
        subject: cache,
        trigger: 'http',
        requestedBy: requester,
        purge: options,
      });
      return answer(202, run, { location: `/api/runs/${run.runId}`, 'preference-applied': 'respond-async' });
    }
    const started = { trigger: 'http', requestedBy: requester };
    const result = await maintenance.sqlCaches.purge(cache, started, options, { signal: stopSignal });
    await refuseUnended(result, () => maintenance.sqlCaches.runningPurge(cache));
    return answer(200, result);
  },
});

/** RFC 7240. Where there is no queue the preference is not honoured, as the RFC allows, and the answer has the report. */
function prefersAsync(prefer: string | null): boolean {
  return (prefer ?? '').split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference));
}
