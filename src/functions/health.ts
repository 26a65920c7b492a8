import { z } from 'zod';
import { type Overview, readOverview } from '../lib/app/overview.ts';
import { answer, route } from './http/route.ts';
import { sharedCopy } from './http/sharedCopy.ts';
import { clock, overviewDeps } from './support/app.ts';

/** Anonymous callers read a copy of this age at most: they cannot be used to load the storage. */
const copy = sharedCopy<Overview>(15_000, clock);

const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'failing']),
    lateness: z.record(z.string(), z.iso.duration()).meta({ description: 'By the timers that are late.' }),
  })
  .meta({ id: 'Health' });

route({
  name: 'health',
  method: 'GET',
  path: 'health',
  role: undefined,
  summary: 'Whether the app does its work, by the findings that stand. Open to everyone; at most 15 s old.',
  answers: {
    200: { description: '`ok`, or `degraded`: look by day.', schema: health },
    503: { description: '`failing`: the app cannot do its work.', schema: health },
  },
  handle: async ({ context }) => {
    const { health: status, timers } = await copy(() => readOverview(overviewDeps(context)));
    const lateness = Object.fromEntries(
      timers.flatMap((timer) => (timer.lateness ? [[timer.name, timer.lateness]] : [])),
    );
    return answer(status === 'failing' ? 503 : 200, { status, lateness });
  },
});
