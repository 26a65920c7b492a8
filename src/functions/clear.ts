import { parseDuration } from '../lib/durations.ts';
import { codesOf } from '../lib/errorCodes.ts';
import { MaintenanceError } from '../lib/errors.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { chooseCache, refuseUnconfirmed } from './http/chooseCache.ts';
import { refuseUnended } from './http/problem.ts';
import { answer, route } from './http/route.ts';
import { clearRequest } from './http/schemas.ts';
import { maintenanceFor, settings } from './support/app.ts';
import { stopSignal } from './support/shutdown.ts';

route({
  name: 'clear',
  method: 'POST',
  path: 'clear',
  role: 'TokenCache.Operator',
  turn: 'run',
  summary:
    'Delete every entry of a cache: all its users sign in again; or the unreadable alone. A dry run unless `dryRun` is false.',
  answers: { 200: { description: 'The run, with its report.', schema: runRecord } },
  errors: [
    'clear_not_allowed',
    'cache_unknown',
    'cache_required',
    'confirmation_wrong',
    'run_in_progress',
    'instance_name_missing',
    'rings_unreadable',
    'key_ring_unavailable',
    'prefix_ambiguous',
    'settings_invalid',
    'aborted',
    ...codesOf.database,
    ...codesOf.redis,
  ],
  refuse: () => {
    if (settings.allowClear) return;
    throw new MaintenanceError(
      'clear_not_allowed',
      'Clearing a cache over HTTP is switched off.',
      'Set ALLOW_CLEAR=true for as long as it is needed; afterwards remove it again.',
    );
  },
  body: clearRequest,
  handle: async ({ body, requester, context }) => {
    const maintenance = maintenanceFor(context);
    const cache = chooseCache(body.cache, maintenance.names.cache, 'cache');
    refuseUnconfirmed(body, cache, 'cache');
    const result = await maintenance.clear(
      cache,
      { trigger: 'http', requestedBy: requester },
      {
        confirm: body.dryRun ? undefined : body.confirm,
        allPrefixes: body.allPrefixes,
        unreadable: body.unreadable ? { expect: body.expect } : undefined,
        timeBudgetMs: parseDuration(body.timeBudget),
      },
      { signal: stopSignal },
    );
    await refuseUnended(result, () => maintenance.sqlCaches.runningPurge(cache));
    return answer(200, result);
  },
});
