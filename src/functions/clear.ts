import { parseDuration } from '../lib/durations.ts';
import { maintenanceFor, settings } from './support/app.ts';
import { chooseCache } from './support/chooseCache.ts';
import { refuseUnconfirmed } from './support/confirmation.ts';
import { Problem, problemOfRun, runInProgress } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { clearRequest } from './support/schemas.ts';
import { stopSignal } from './support/shutdown.ts';

route({
  name: 'clear',
  method: 'POST',
  path: 'clear',
  role: 'TokenCache.Operator',
  refuse: () => {
    if (settings.allowClear) return;
    throw new Problem(
      403,
      'clear_not_allowed',
      'Clearing a cache over HTTP is switched off.',
      'Set ALLOW_CLEAR=true for as long as it is needed; afterwards remove it again.',
    );
  },
  body: clearRequest,
  handle: async ({ body, requester, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.cacheNames(), 'cache');
    refuseUnconfirmed(body, cache, 'cache');
    const result = await maintenance.clear(
      cache,
      { trigger: 'http', requestedBy: requester },
      {
        confirm: body.dryRun ? undefined : body.confirm,
        timeBudgetMs: parseDuration(body.timeBudget),
        signal: stopSignal,
      },
    );
    if (result.error) throw problemOfRun(result.runId, result.error);
    if (result.report && !result.report.dryRun && result.report.stopReason === 'busy')
      throw runInProgress(cache, await maintenance.sqlCaches.runningPurge(cache));
    return answer(200, result);
  },
});
