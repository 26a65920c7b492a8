import { parseDuration } from '../lib/durations.ts';
import { maintenanceFor } from './support/app.ts';
import { Problem, problemOfRun } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { purgeRequest } from './support/schemas.ts';
import { stopSignal } from './support/shutdown.ts';

route({
  name: 'purge',
  method: 'POST',
  path: 'purge',
  role: 'TokenCache.Operator',
  body: purgeRequest,
  handle: async ({ body, requester, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.sqlCaches());
    const olderThanMs = body.olderThan === undefined ? undefined : parseDuration(body.olderThan);
    const timeBudgetMs = parseDuration(body.timeBudget);
    const result = await maintenance.purge(
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
      const run = await maintenance.runningPurge(cache);
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
