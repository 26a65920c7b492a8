import { z } from 'zod';
import type { FindingPolicy } from '../findingPolicy.ts';
import { level } from '../level.ts';
import { runbookFolder } from '../runbook.ts';
import { bytes, decimal, duration, readBy, schedule, told, wholeNumber } from './fields.ts';

/** `check=level`, several divided by commas. */
const levels = readBy((text) => {
  const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  const parsed = z.array(z.tuple([told().min(1), z.enum([...level.options, 'off'])])).safeParse(pairs);
  return parsed.success ? new Map(parsed.data) : undefined;
}, 'must be checks and their levels (info, warning, critical or off), such as app-purge=off,table-size=info');

/** Where a document is read, without a slash at its end: an address, or a path in the repository. */
const address = told()
  .regex(
    /^[!#-;=?-~]+$/,
    'must be the address of docs/runbook, such as https://github.com/OWNER/NAME/blob/main/docs/runbook',
  )
  .transform((text) => text.replace(/\/+$/, ''));

/** When the judges speak, and how loudly; docs/reference/settings.md explains each. */
export const findingShape = {
  SCHEDULE_FINDINGS: schedule.default('45 */5 * * * *').meta({ description: 'When `judgeFindings` runs.' }),
  FINDING_ABSENT_RUNS: wholeNumber(1, 100).prefault('3').meta({
    description:
      'So many runs of a job must be missing, or fail, before `purge-absent` and its like. Jobs that run every 6 hours or less often are missed after one run and two hours.',
  }),
  FINDING_BACKLOG_RUNS: wholeNumber(3, 50)
    .prefault('6')
    .meta({ description: '`backlog-growing`: so many purges in a row, none of which left nothing.' }),
  FINDING_OLDEST_EXPIRED: duration('PT1M', 'P90D')
    .prefault('PT6H')
    .meta({ description: '`oldest-expired`: how long ago the oldest expired entry expired, beyond `PURGE_GRACE`.' }),
  FINDING_TABLE_SIZE: bytes.prefault('10gb').meta({ description: '`table-size`: the table with its indexes.' }),
  FINDING_DEFAULT_KEY: duration('P1D', 'P90D').prefault('P7D').meta({
    description:
      '`key-ring-without-default`: how long ahead it is told; a day at most where a ring is only observed, since apps publish their next key two days ahead.',
  }),
  FINDING_APP_HIT_RATIO: decimal(0, 100)
    .prefault('80')
    .meta({ description: '`app-hit-ratio`: per cent of the tokens that a web app looks for and finds in a cache.' }),
  FINDING_APP_LATENCY: duration('PT0.001S', 'PT1M')
    .prefault('PT0.1S')
    .meta({ description: '`app-latency`: the mean of hits, in memory or in the distributed cache, of 20 at least.' }),
  FINDING_APP_FAILURES: decimal(0, 100).prefault('5').meta({
    description: '`app-failures`, `app-errors-after-deployment`: per cent of the calls for tokens that fail.',
  }),
  FINDING_APP_MEMORY_GROWTH: bytes
    .prefault('50mb')
    .meta({ description: '`app-memory-growth`: of one process, an hour.' }),
  FINDING_LEVELS: levels.optional().meta({
    description:
      "Levels other than the findings' own, by their names: `app-purge=off,table-size=info`. `critical` (look now), `warning` (look by day), `info`, `off`. What is a note for once, such as the first look that misses a Redis, stays a note, or is `off`. A name that no finding has is a finding itself.",
  }),
  RUNBOOK_URL: address.default(runbookFolder).meta({
    description:
      'Where docs/runbook is read, such as `https://github.com/OWNER/NAME/blob/main/docs/runbook`: findings and alerts link to its sections. A deployment sets it by its parameter `runbookUrl`.',
  }),
};
type Values = z.infer<z.ZodObject<typeof findingShape>>;

/**
 * @param schedule of the judges, with its time zone
 * @param purgeGraceMs what the grace keeps is not left behind
 */
export function findingPolicy(values: Values, schedule: string, purgeGraceMs: number): FindingPolicy {
  return {
    schedule,
    absentRuns: values.FINDING_ABSENT_RUNS,
    backlogRuns: values.FINDING_BACKLOG_RUNS,
    oldestExpiredMs: values.FINDING_OLDEST_EXPIRED + purgeGraceMs,
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
