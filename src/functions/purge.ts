import { parseDuration } from '../lib/durations.ts';
import { toErrorReport } from '../lib/errors.ts';
import type { RunRecord } from '../lib/runs/recordStore.ts';
import { maintenanceFor, queueFor, records } from './support/app.ts';
import { chooseCache } from './support/chooseCache.ts';
import { Problem, problemOfRun, runInProgress } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { purgeRequest } from './support/schemas.ts';
import { stopSignal } from './support/shutdown.ts';

route({
  name: 'purge',
  method: 'POST',
  path: 'purge',
  role: 'TokenCache.Operator',
  body: purgeRequest,
  handle: async ({ body, requester, request, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.sqlCaches.names(), 'SQL cache');
    const olderThanMs = body.olderThan === undefined ? undefined : parseDuration(body.olderThan);
    const timeBudgetMs = parseDuration(body.timeBudget);
    // Without records nobody could be told of the run.
    const queued = prefersAsync(request.headers.get('prefer')) && records.description !== 'none';
    const queue = queued ? queueFor(context) : undefined;
    if (queue) {
      const purge = {
        dryRun: body.dryRun,
        ...(olderThanMs !== undefined && { olderThanMs }),
        ...(body.maxRows !== undefined && { maxRows: body.maxRows }),
        ...(timeBudgetMs !== undefined && { timeBudgetMs }),
      };
      return answerQueued(() => queue.put({ job: 'purge', cache, trigger: 'http', requestedBy: requester, purge }));
    }
    const result = await maintenance.sqlCaches.purge(
      cache,
      { trigger: 'http', requestedBy: requester },
      {
        dryRun: body.dryRun,
        signal: stopSignal,
        ...(olderThanMs !== undefined && { olderThanMs }),
        ...(body.maxRows !== undefined && { maxRows: body.maxRows }),
        ...(timeBudgetMs !== undefined && { timeBudgetMs }),
      },
    );
    if (result.error) throw problemOfRun(result.runId, result.error);
    if (result.report && !result.report.dryRun && result.report.stopReason === 'busy') {
      throw runInProgress(cache, await maintenance.sqlCaches.runningPurge(cache));
    }
    return answer(200, result);
  },
});

/** RFC 7240. Where there is no queue the preference is not honoured, as the RFC allows, and the answer has the report. */
function prefersAsync(prefer: string | null): boolean {
  return (prefer ?? '').split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference));
}

async function answerQueued(put: () => Promise<RunRecord>) {
  try {
    const run = await put();
    return answer(202, run, { location: `/api/runs/${run.runId}`, 'preference-applied': 'respond-async' });
  } catch (error) {
    const { code, message, advice } = toErrorReport(error);
    throw new Problem(503, code === 'internal_error' ? 'queue_unavailable' : code, message, advice);
  }
}
