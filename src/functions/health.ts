import type { HealthReport } from '../lib/health/health.ts';
import { clock, maintenanceFor, queueFor } from './support/app.ts';
import { currentHealth } from './support/currentHealth.ts';
import { answer, route } from './support/route.ts';
import { SharedCopy } from './support/sharedCopy.ts';

/** Anonymous callers read a copy of this age at most: they cannot be used to load the storage. */
const copy = new SharedCopy<HealthReport>(15_000, clock);

route({
  name: 'health',
  method: 'GET',
  path: 'health',
  role: undefined,
  handle: async ({ context }) => {
    const { status, timers } = await copy.get(() => currentHealth(maintenanceFor(context), queueFor(context)));
    const lateness = Object.fromEntries(
      timers.flatMap((timer) => (timer.lateness ? [[timer.name, timer.lateness]] : [])),
    );
    return answer(status === 'failing' ? 503 : 200, { status, lateness });
  },
});
