import { maintenanceFor, records, settings } from './support/app.ts';
import { cacheJobs, currentHealth } from './support/currentHealth.ts';
import { answer, route } from './support/route.ts';

route({
  name: 'status',
  method: 'GET',
  path: 'status',
  role: 'TokenCache.Reader',
  handle: async ({ context }) => {
    const maintenance = maintenanceFor(context);
    const health = await currentHealth(maintenance);
    const caches = await Promise.all(
      maintenance.sqlCaches().map(async (name) => ({
        name,
        engine: settings.caches.find((cache) => cache.name === name)?.engine ?? null,
        running: (await maintenance.runningPurge(name)) ?? null,
        lastRuns: Object.fromEntries(
          await Promise.all(cacheJobs.map(async (job) => [job, (await records.latestRuns(job, name, 1))[0] ?? null])),
        ),
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
