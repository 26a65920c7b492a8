import { parseDuration } from '../lib/durations.ts';
import { toErrorReport } from '../lib/errors.ts';
import type { RunRecord } from '../lib/runs/recordStore.ts';
import { maintenanceFor, queueFor, records, stopSignal } from './support/app.ts';
import { Problem, problemOfRun } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { purgeRequest } from './support/schemas.ts';

route({
  name: 'purge',
  method: 'POST',
  path: 'purge',
  role: 'TokenCache.Operator',
  body: purgeRequest,
  handle: async ({ body, requester, request, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.sqlCaches.names());
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
      const run = await maintenance.sqlCaches.runningPurge(cache);
      throw new Problem(
        409,
        'run_in_progress',
        `Another run is purging ${cache}.`,
        'Wait for it to end; a dry run is possible meanwhile.',
        run && { run },
      );
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

function chooseCache(named: string | undefined, known: string[]): string {
  if (named !== undefined) {
    if (known.includes(named)) return named;
    throw new Problem(
      404,
      'cache_unknown',
      'No SQL cache has that name.',
      `Choose one of: ${known.join(', ') || 'none is configured'}.`,
    );
  }
  const [only] = known;
  if (known.length === 1 && only !== undefined) return only;
  throw new Problem(
    400,
    'cache_required',
    `${known.length} SQL caches are configured.`,
    `Name one in \`cache\`: ${known.join(', ') || 'none is configured'}.`,
  );
}
