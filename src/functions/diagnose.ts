import { packageVersion } from '../lib/version.ts';
import { preferredType, varyByAccept } from './support/accept.ts';
import { maintenanceFor, queueFor } from './support/app.ts';
import { currentHealth } from './support/currentHealth.ts';
import { pageAnswer } from './support/pageAnswer.ts';
import { Problem, problemOfRun } from './support/problem.ts';
import { answer, route } from './support/route.ts';
import { diagnoseQuery } from './support/schemas.ts';
import { stopSignal } from './support/shutdown.ts';

/** Keys of entries name users: over HTTP they are never shown. */
const showKeys = false;

route({
  name: 'diagnose',
  method: 'GET',
  path: 'diagnose',
  role: 'TokenCache.Reader',
  query: diagnoseQuery,
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
        health: () => currentHealth(maintenance, queueFor(context)),
        version: packageVersion(),
      },
    );
    const { error, report } = result;
    if (error?.code === 'cache_unknown' || error?.code === 'key_ring_unknown')
      throw new Problem(404, error.code, error.message, error.advice, { runId: result.runId });
    if (error || !report) throw problemOfRun(result.runId, error ?? nothingFound);
    if (!page) return answer(200, result, varyByAccept);
    const { diagnosisPage } = await import('../lib/diagnosis/page/diagnosisPage.ts');
    const { text, contentSecurityPolicy } = diagnosisPage(report);
    return pageAnswer(text, contentSecurityPolicy);
  },
});

const nothingFound = {
  code: 'internal_error',
  message: 'The diagnosis has no report.',
  advice: 'This is a defect of token-cache-maintenance: please report it with the run id.',
};
