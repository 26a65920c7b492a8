import { readTimers } from '../lib/findings/timers.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { packageVersion } from '../lib/version.ts';
import { pageAnswer, preferredType, varyByAccept } from './http/pageAnswer.ts';
import { refuseUnended } from './http/problem.ts';
import { answer, route } from './http/route.ts';
import { diagnoseQuery } from './http/schemas.ts';
import { clock, deployment, maintenanceFor, records, settings, timers } from './support/app.ts';
import { stopSignal } from './support/shutdown.ts';

/** Keys of entries name users: over HTTP they are never shown. */
const showKeys = false;

route({
  name: 'diagnose',
  method: 'GET',
  path: 'diagnose',
  role: 'TokenCache.Reader',
  turn: 'diagnosis',
  summary: 'Look for the causes of trouble on every cache and key ring. Changes nothing; takes up to 30 s.',
  query: diagnoseQuery,
  answers: {
    200: {
      description: 'The run with every check, the worst first; also where checks fail.',
      schema: runRecord,
      page: true,
    },
  },
  errors: ['cache_unknown', 'key_ring_unknown', 'not_acceptable'],
  handle: async ({ query, request, requester, context }) => {
    const page = query.format
      ? query.format === 'html'
      : preferredType(request, ['application/json', 'text/html']) === 'text/html';
    const maintenance = maintenanceFor(context);
    const result = await maintenance.diagnosis.diagnose(
      { trigger: 'http', requestedBy: requester },
      {
        caches: query.cache === undefined ? undefined : [query.cache],
        rings: query.ring === undefined ? undefined : [query.ring],
        showKeys,
        signal: stopSignal,
        timers: () => readTimers({ records, timers, deployment, now: clock.now() }),
        version: packageVersion(),
      },
    );
    await refuseUnended(result);
    const { report } = result;
    if (!page || !report) return answer(200, result, varyByAccept);
    const { diagnosisPage } = await import('../lib/pages/diagnosis/diagnosisPage.ts');
    return pageAnswer(diagnosisPage(report, settings.runbook));
  },
});
