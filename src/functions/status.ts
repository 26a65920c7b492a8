import { maintenanceFor, records, settings } from './support/app.ts';
import { currentHealth, timedRuns } from './support/currentHealth.ts';
import { answer, route } from './support/route.ts';

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  handle: async ({ context }) => {
    const maintenance = maintenanceFor(context);
    const health = await currentHealth(maintenance);
    const runs = await Promise.all(
      timedRuns(maintenance).map(async ({ job, cache }) => ({
        job,
        cache,
        last: (await records.latestRuns(job, cache, 1))[0] ?? null,
      })),
    );
    const caches = await Promise.all(
      [...new Set(runs.map(({ cache }) => cache))].map(async (name) => ({
        name,
        engine: settings.caches.find((cache) => cache.name === name)?.engine ?? null,
        running: (await maintenance.runningPurge(name)) ?? null,
        lastRuns: Object.fromEntries(runs.filter(({ cache }) => cache === name).map(({ job, last }) => [job, last])),
      })),
    );
    return answer(200, {
      at: health.at,
      status: health.status,
      reasons: health.reasons,
      timers: health.timers,
      caches,
    });
  },
});
