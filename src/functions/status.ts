import type { HttpResponseInit } from '@azure/functions';
import { everySubject } from '../lib/composition/diagnosisMaintenance.ts';
import type { Maintenance } from '../lib/composition/maintenance.ts';
import type { QueueWork } from '../lib/composition/queueWork.ts';
import type { HealthReport } from '../lib/health/health.ts';
import { describeProblem } from '../lib/settings/problems.ts';
import { type StatusView, statusView } from '../lib/status/statusView.ts';
import { preferredType, varyByAccept } from './support/accept.ts';
import { clock, maintenanceFor, queueFor, records, settings } from './support/app.ts';
import { currentHealth } from './support/currentHealth.ts';
import { recordedRuns } from './support/recordedRuns.ts';
import { answer, route } from './support/route.ts';
import { SharedCopy } from './support/sharedCopy.ts';
import { engineOf, readStatusSources } from './support/statusSources.ts';

const types = ['application/json', 'text/html'] as const;
/** Many open pages cost the storage, and the runs beside them, no more than one reader. */
const copies = { 'application/json': newCopy(), 'text/html': newCopy() };

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  handle: ({ request, context }) => {
    const type = preferredType(request, types);
    return copies[type].get(() => makers[type](maintenanceFor(context), queueFor(context)));
  },
});

/** Nobody gets what was read before the last one had it all: who has just changed something sees it. */
function newCopy(): SharedCopy<HttpResponseInit> {
  return new SharedCopy(0, clock);
}

const makers = {
  'application/json': async (maintenance: Maintenance, queue: QueueWork | undefined) => {
    const health = await currentHealth(maintenance, queue);
    const [status, { findings }] = await Promise.all([statusOf(maintenance, health), viewOf(maintenance, health)]);
    return answer(200, { ...status, findings }, varyByAccept);
  },
  'text/html': async (maintenance: Maintenance, queue: QueueWork | undefined) => {
    // Loaded for those who look at it; the timers of the same app have no use for it.
    const { statusPage } = await import('./support/statusPage/statusPage.ts');
    return statusPage(await viewOf(maintenance, await currentHealth(maintenance, queue)));
  },
};

async function viewOf(maintenance: Maintenance, health: HealthReport): Promise<StatusView> {
  return statusView(await readStatusSources(maintenance, health));
}

async function statusOf(maintenance: Maintenance, { at, status, reasons, timers }: HealthReport) {
  const runs = await Promise.all(
    recordedRuns(maintenance).map(async ({ job, cache }) => {
      // Records that cannot be read are among the reasons.
      const [last = null] = await records.latestRuns(job, cache, 1).catch(() => []);
      return { job, cache, last };
    }),
  );
  const caches = await Promise.all(
    [...new Set(runs.map(({ cache }) => cache))]
      .filter((name) => name !== everySubject)
      .map(async (name) => ({
        name,
        engine: engineOf(name),
        running: (await maintenance.sqlCaches.runningPurge(name)) ?? null,
        lastRuns: Object.fromEntries(runs.filter(({ cache }) => cache === name).map(({ job, last }) => [job, last])),
      })),
  );
  return { at, status, reasons, settingProblems: settings.problems.map(describeProblem), timers, caches };
}
