import type { Maintenance } from '../lib/composition/maintenance.ts';
import type { HealthReport } from '../lib/health/health.ts';
import { statusView } from '../lib/status/statusView.ts';
import { preferredType, varyByAccept } from './support/accept.ts';
import { maintenanceFor, queueFor, records } from './support/app.ts';
import { currentHealth, timedRuns } from './support/currentHealth.ts';
import { answer, route } from './support/route.ts';
import { engineOf, readStatusSources } from './support/statusSources.ts';

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  handle: async ({ request, context }) => {
    const type = preferredType(request, ['application/json', 'text/html']);
    const maintenance = maintenanceFor(context);
    const health = await currentHealth(maintenance, queueFor(context));
    if (type === 'application/json') return answer(200, await statusOf(maintenance, health), varyByAccept);
    // Loaded for those who look at it; the timers of the same app have no use for it.
    const { statusPage } = await import('./support/statusPage/statusPage.ts');
    return statusPage(statusView(await readStatusSources(maintenance, health)));
  },
});

async function statusOf(maintenance: Maintenance, { at, status, reasons, timers }: HealthReport) {
  const runs = await Promise.all(
    timedRuns(maintenance).map(async ({ job, cache }) => {
      // Records that cannot be read are among the reasons.
      const [last = null] = await records.latestRuns(job, cache, 1).catch(() => []);
      return { job, cache, last };
    }),
  );
  const caches = await Promise.all(
    [...new Set(runs.map(({ cache }) => cache))].map(async (name) => ({
      name,
      engine: engineOf(name),
      running: (await maintenance.sqlCaches.runningPurge(name)) ?? null,
      lastRuns: Object.fromEntries(runs.filter(({ cache }) => cache === name).map(({ job, last }) => [job, last])),
    })),
  );
  return { at, status, reasons, timers, caches };
}
