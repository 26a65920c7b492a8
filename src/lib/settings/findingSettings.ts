import { z } from 'zod';
import type { FindingPolicy } from '../findingPolicy.ts';
import { level } from '../level.ts';
import { runbookFolder } from '../runbook.ts';
import { bytes, decimal, duration, schedule, wholeNumber } from './fields.ts';

/** `check=level`, several divided by commas. */
const levels = z.string().transform((text, context) => {
  const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  const parsed = z.array(z.tuple([z.string().min(1), z.enum([...level.options, 'off'])])).safeParse(pairs);
  if (parsed.success) return new Map(parsed.data);
  context.addIssue({
    code: 'custom',
    message: 'must be checks and their levels (info, warning, critical or off), such as app-purge=off,table-size=info',
  });
  return z.NEVER;
});

/** Where a document is read, without a slash at its end: an address, or a path in the repository. */
const address = z
  .string()
  .regex(
    /^[!#-;=?-~]+$/,
    'must be the address of docs/runbook, such as https://github.com/OWNER/NAME/blob/main/docs/runbook',
  )
  .transform((text) => text.replace(/\/+$/, ''));

/** When the judges speak, and how loudly; docs/reference/settings.md explains each. */
export const findingShape = {
  SCHEDULE_FINDINGS: schedule.default('45 */5 * * * *'),
  FINDING_ABSENT_RUNS: wholeNumber(1, 100).prefault('3'),
  FINDING_BACKLOG_RUNS: wholeNumber(3, 50).prefault('6'),
  FINDING_OLDEST_EXPIRED: duration('PT1M', 'P90D').prefault('PT6H'),
  FINDING_TABLE_SIZE: bytes.prefault('10gb'),
  FINDING_DEFAULT_KEY: duration('P1D', 'P90D').prefault('P7D'),
  FINDING_APP_HIT_RATIO: decimal(0, 100).prefault('80'),
  FINDING_APP_LATENCY: duration('PT0.001S', 'PT1M').prefault('PT0.1S'),
  FINDING_APP_FAILURES: decimal(0, 100).prefault('5'),
  FINDING_APP_MEMORY_GROWTH: bytes.prefault('50mb'),
  FINDING_LEVELS: levels.optional(),
  RUNBOOK_URL: address.default(runbookFolder),
};
type Values = z.infer<z.ZodObject<typeof findingShape>>;

export function findingPolicy(values: Values): FindingPolicy {
  return {
    absentRuns: values.FINDING_ABSENT_RUNS,
    backlogRuns: values.FINDING_BACKLOG_RUNS,
    oldestExpiredMs: values.FINDING_OLDEST_EXPIRED,
    tableSizeBytes: values.FINDING_TABLE_SIZE,
    defaultKeyMs: values.FINDING_DEFAULT_KEY,
    app: {
      hitRatio: values.FINDING_APP_HIT_RATIO,
      latencyMs: values.FINDING_APP_LATENCY,
      failures: values.FINDING_APP_FAILURES,
      memoryGrowthBytes: values.FINDING_APP_MEMORY_GROWTH,
    },
    levels: values.FINDING_LEVELS ?? new Map(),
  };
}
