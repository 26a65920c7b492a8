import type { HttpResponseInit } from '@azure/functions';
import { type Overview, readStatus } from '../lib/app/overview.ts';
import { statusContent, statusSchema } from '../lib/app/statusContent.ts';
import { statusView } from '../lib/pages/status/statusView.ts';
import { pageAnswer, preferredType, varyByAccept } from './http/pageAnswer.ts';
import { answer, route } from './http/route.ts';
import { sharedCopy } from './http/sharedCopy.ts';
import { clock, overviewDeps, records } from './support/app.ts';

const types = ['application/json', 'text/html'] as const;
/**
 * Many open pages cost the storage, and the runs beside them, no more than one reader. Nobody gets what was read before the last one
 * had it all: who has just changed something sees it.
 */
const newCopy = () => sharedCopy<HttpResponseInit>(0, clock);
const copies = { 'application/json': newCopy(), 'text/html': newCopy() };

/** Records that the page's plots go back over: a day of counts and two of purges, on the schedules by default. */
const plotted = { purge: 96, index: 10, counts: 288, redis: 288, app: 96, rotateKeyRing: 10 };

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  summary: 'What stands now: findings, timers, and the last runs on every cache and key ring.',
  answers: { 200: { description: 'The present state.', schema: statusSchema, page: true } },
  errors: ['not_acceptable'],
  handle: ({ request, context }) => {
    const type = preferredType(request, types);
    const deps = overviewDeps(context);
    return copies[type](async () =>
      type === 'text/html'
        ? page(await readStatus(deps, plotted))
        : answer(200, statusContent(await readStatus(deps)), varyByAccept),
    );
  },
});

async function page(overview: Overview): Promise<HttpResponseInit> {
  // Loaded for those who look at it; the timers of the same app have no use for it.
  const { statusPage } = await import('../lib/pages/status/statusPage.ts');
  return pageAnswer(statusPage(statusView({ ...overview, recordStore: records.description })));
}
