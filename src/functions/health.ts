import type { HealthReport } from '../lib/health/health.ts';
import { clock, maintenanceFor, queueFor } from './support/app.ts';
import { currentHealth } from './support/currentHealth.ts';
import { answer, route } from './support/route.ts';

/** Anonymous callers read a copy of this age at most: they cannot be used to load the storage. */
const copyMs = 15_000;
let copy: { takenAt: number; report: Promise<HealthReport> } | undefined;

route({
  name: 'health',
  method: 'GET',
  path: 'health',
  role: undefined,
  handle: async ({ context }) => {
    if (!copy || clock.elapsed() - copy.takenAt > copyMs) {
      copy = { takenAt: clock.elapsed(), report: currentHealth(maintenanceFor(context), queueFor(context)) };
    }
    const { status, timers } = await copy.report;
    const lateness = Object.fromEntries(
      timers.flatMap((timer) => (timer.lateness ? [[timer.name, timer.lateness]] : [])),
    );
    return answer(status === 'failing' ? 503 : 200, { status, lateness });
  },
});
