import { z } from 'zod';
import type { AppPolicy } from '../appTelemetry/policy.ts';
import { duration, schedule, wholeNumber } from './fields.ts';

const address = z
  .url({ protocol: /^https$/, error: 'must be an https address, such as https://api.loganalytics.io' })
  .transform((text) => new URL(text).origin);

/** How the telemetry of web apps is read; docs/reference/settings.md explains each. */
export const appShape = {
  SCHEDULE_APPS: schedule.default('20 */15 * * * *'),
  APP_WINDOW: duration('PT15M', 'PT6H').prefault('PT1H'),
  APP_LEAST_CALLS: wholeNumber(1, 1_000_000).prefault('100'),
  APP_TIMEOUT: duration('PT1S', 'PT5M').prefault('PT1M'),
  APP_LOGS_ENDPOINT: address.prefault('https://api.loganalytics.io'),
};
type Values = z.infer<z.ZodObject<typeof appShape>>;

export interface AppSettings {
  policy: AppPolicy;
  /** Where queries go: another in another cloud. */
  endpoint: string;
}

export function appSettings(values: Values): AppSettings {
  return {
    policy: { windowMs: values.APP_WINDOW, leastCalls: values.APP_LEAST_CALLS, timeoutMs: values.APP_TIMEOUT },
    endpoint: values.APP_LOGS_ENDPOINT,
  };
}
