import { z } from 'zod';
import type { AppPolicy } from '../appTelemetry/policy.ts';
import { duration, isTold, schedule, secretHeld, wholeNumber } from './fields.ts';

const address = z
  .url({ protocol: /^https$/, error: 'must be an https address, such as https://api.loganalytics.io' })
  .transform((text) => new URL(text).origin)
  .refine(isTold, secretHeld);

/** How the telemetry of web apps is read; docs/reference/settings.md explains each. */
export const appShape = {
  SCHEDULE_APPS: schedule.default('20 */15 * * * *').meta({ description: 'When `watchApps` runs.' }),
  APP_WINDOW: duration('PT15M', 'PT6H')
    .prefault('PT1H')
    .meta({ description: 'The time that the figures of a look are of.' }),
  APP_LEAST_CALLS: wholeNumber(1, 1_000_000)
    .prefault('100')
    .meta({ description: 'With fewer look-ups in that time there is no hit ratio.' }),
  APP_TIMEOUT: duration('PT1S', 'PT5M')
    .prefault('PT1M')
    .meta({ description: 'Bound of a look, which asks five queries.' }),
  APP_LOGS_ENDPOINT: address.prefault('https://api.loganalytics.io').meta({
    description:
      'Where queries go: `https://api.loganalytics.us`, `https://api.loganalytics.azure.cn` in other clouds.',
  }),
};
type Values = z.infer<z.ZodObject<typeof appShape>>;

export function appSettings(values: Values) {
  const { APP_WINDOW: windowMs, APP_LEAST_CALLS: leastCalls, APP_TIMEOUT: timeoutMs } = values;
  return { policy: { windowMs, leastCalls, timeoutMs } satisfies AppPolicy, endpoint: values.APP_LOGS_ENDPOINT };
}
