import type { HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { type Overview, readOverview } from '../lib/app/overview.ts';
import { finding } from '../lib/findings/finding.ts';
import { historiesOf, type SubjectRecords } from '../lib/findings/subjectRecords.ts';
import { timerReading } from '../lib/findings/timers.ts';
import { statusView } from '../lib/pages/status/statusView.ts';
import { runningRun } from '../lib/runs/runningState.ts';
import { runRecord } from '../lib/runs/runRecord.ts';
import { preferredType, varyByAccept } from './http/accept.ts';
import { pageAnswer } from './http/pageAnswer.ts';
import { answer, route } from './http/route.ts';
import { SharedCopy } from './http/sharedCopy.ts';
import { clock, overviewDeps, records } from './support/app.ts';

const types = ['application/json', 'text/html'] as const;
/** Many open pages cost the storage, and the runs beside them, no more than one reader. */
const copies = { 'application/json': newCopy(), 'text/html': newCopy() };

/** Records that the page's plots go back over: a day of counts and two of purges, on the schedules by default. */
const plotted = { purge: 96, index: 10, counts: 288, redis: 288, rotateKeyRing: 10, asked: 10 };

const status = z
  .object({
    at: z.iso.datetime(),
    status: z.enum(['ok', 'degraded', 'failing']),
    findings: z.array(finding).meta({ description: 'The worst first: the same as on the page and in the alerts.' }),
    timers: z.array(timerReading),
    subjects: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['sqlCache', 'redisCache', 'keyRing']),
        running: runningRun.nullable().meta({ description: 'The purge or clear that holds the cache.' }),
        lastRuns: z.record(z.string(), runRecord.nullable()).meta({ description: 'The newest run of each job.' }),
      }),
    ),
  })
  .meta({ id: 'Status' });

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  summary: 'What stands now: findings, timers, and the last runs on every cache and key ring.',
  answers: { 200: { description: 'The present state.', schema: status, page: true } },
  errors: ['not_acceptable'],
  handle: ({ request, context }) => {
    const type = preferredType(request, types);
    const deps = overviewDeps(context);
    return copies[type].get(async () =>
      type === 'text/html' ? page(await readOverview(deps, plotted)) : json(await readOverview(deps)),
    );
  },
});

/** Nobody gets what was read before the last one had it all: who has just changed something sees it. */
function newCopy(): SharedCopy<HttpResponseInit> {
  return new SharedCopy(0, clock);
}

async function page(overview: Overview): Promise<HttpResponseInit> {
  // Loaded for those who look at it; the timers of the same app have no use for it.
  const { statusPage } = await import('../lib/pages/status/statusPage.ts');
  return pageAnswer(statusPage(statusView({ ...overview, recordStore: records.description })));
}

function json({ now, health, findings, timers, subjects }: Overview): HttpResponseInit {
  const content: z.infer<typeof status> = {
    at: now.toISOString(),
    status: health,
    findings,
    timers,
    subjects: subjects.map(subjectStatus),
  };
  return answer(200, content, varyByAccept);
}

function subjectStatus(subject: SubjectRecords) {
  return {
    name: subject.name,
    kind: subject.kind,
    running: ('running' in subject && subject.running) || null,
    lastRuns: Object.fromEntries(historiesOf(subject).map(({ job, runs }) => [job, runs[0] ?? null])),
  };
}
