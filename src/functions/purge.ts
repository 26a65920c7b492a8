import { parseDuration } from '../lib/durations.ts';
import { maintenanceFor } from './support/app.ts';
import { chooseCache } from './support/chooseCache.ts';
import { problemOfRun, runInProgress } from './support/problem.ts';
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
    const cache = chooseCache(body.cache, maintenance.sqlCaches.names(), 'SQL cache');
    const olderThanMs = body.olderThan === undefined ? undefined : parseDuration(body.olderThan);
    const timeBudgetMs = parseDuration(body.timeBudget);
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
