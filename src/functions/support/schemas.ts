import { z } from 'zod';
import { diagnosis } from '../../lib/diagnosis/diagnosisReport.ts';
import { parseDuration } from '../../lib/durations.ts';
import { parseInstant } from '../../lib/keyRing/instants.ts';
import { recordedJobs } from './recordedRuns.ts';

/** Requests and answers of the HTTP functions; openapi.json is made from them. */

/** ISO 8601, between the two given ones, kept as text. */
function duration(least: string, most: string) {
  const [min, max] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return z.string().refine((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= min && ms <= max;
  }, `must be an ISO 8601 duration from ${least} to ${most}`);
}

const dryRun = z
  .boolean()
  .default(true)
  .meta({ description: 'Unless false, says what would be done and changes nothing.' });
const timeBudget = duration('PT1S', 'PT150S')
  .default('PT60S')
  .meta({ description: 'Azure ends a request after 230 s.' });

const cacheName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be the name of a cache');
const runId = z.string().regex(/^[A-Za-z]+\.[a-z][a-z0-9-]{0,39}\.[0-9a-z]{19}$/, 'must be a run id');

export const purgeRequest = z
  .strictObject({
    cache: cacheName.optional().meta({ description: 'May be left out where one cache is configured.' }),
    dryRun,
    olderThan: duration('PT0S', 'P3650D')
      .optional()
      .meta({ description: 'Only entries that expired at least this long ago. Moves the cut-off back, never on.' }),
    maxRows: z.int().min(1).optional(),
    timeBudget,
  })
  .meta({ id: 'PurgeRequest' });

export const clearRequest = z
  .strictObject({
    cache: cacheName.optional().meta({ description: 'May be left out where one cache is configured.' }),
    dryRun,
    confirm: z.string().optional().meta({ description: "The cache's name, where `dryRun` is false." }),
    timeBudget,
  })
  .meta({ id: 'ClearRequest' });

export const ringRequest = z.strictObject({ dryRun }).meta({ id: 'KeyRingRequest' });

export const revokeRequest = z
  .strictObject({
    dryRun,
    confirm: z.string().optional().meta({ description: "The ring's name, where `dryRun` is false." }),
    key: z
      .string()
      .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be the id of a key')
      .optional()
      .meta({ description: 'Revoke this key.' }),
    all: z.literal(true).optional().meta({ description: 'Revoke every key that there is now.' }),
    createdBefore: z
      .string()
      .refine(
        (text) => parseInstant(text) !== undefined,
        'must be an instant with its zone, such as 2026-04-21T00:00:00Z',
      )
      .optional()
      .meta({ description: 'Revoke every key created before this instant.' }),
    reason: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')
      .default('revoked by token-cache-maintenance')
      .meta({ description: 'Kept in the ring.' }),
  })
  .refine(
    ({ key, all, createdBefore }) => [key, all, createdBefore].filter((given) => given !== undefined).length === 1,
    'must hold one of key, all and createdBefore',
  )
  .meta({ id: 'RevokeRequest' });
export type RevokeBody = z.infer<typeof revokeRequest>;

export const runsQuery = z.strictObject({
  job: z.enum(recordedJobs, { error: `must be one of: ${recordedJobs.join(', ')}` }).optional(),
  cache: cacheName.optional(),
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be a number from 1 to 100')
    .default('20'),
});

const errorReport = z.object({ code: z.string(), message: z.string(), advice: z.string() });

export const runRecord = z
  .object({
    runId,
    job: z.string(),
    cache: z.string(),
    trigger: z.string(),
    requestedBy: z.object({ by: z.string(), from: z.string() }).optional(),
    queuedAt: z.iso.datetime().optional(),
    startedAt: z.iso.datetime(),
    duration: z.string(),
    outcome: z.enum(['queued', 'running', 'succeeded', 'failed']).meta({
      description: 'Of a run from the work queue also `queued` and `running`, with the sum of its parts so far.',
    }),
    parts: z.int().optional().meta({ description: 'Parts that are done, of a run from the work queue.' }),
    report: z.unknown().optional(),
    error: errorReport.optional(),
  })
  .meta({ id: 'Run' });

export const runList = z.object({ runs: z.array(runRecord) }).meta({ id: 'Runs' });

export const healthAnswer = z
  .object({
    status: z.enum(['ok', 'degraded', 'failing']),
    lateness: z.record(z.string(), z.string()).meta({ description: 'Of each timer that is late, ISO 8601.' }),
  })
  .meta({ id: 'Health' });

const timerStatus = z.object({
  name: z.string(),
  status: z.enum(['ok', 'degraded', 'failing']),
  lateness: z.string().nullable(),
  lastStart: z.iso.datetime().nullable(),
  nextStart: z.iso.datetime().nullable(),
});

const finding = z.object({
  level: z.enum(['info', 'warning', 'critical']),
  subject: z.string(),
  what: z.string(),
  advice: z.string(),
  since: z.string().nullable(),
});

export const statusAnswer = z
  .object({
    at: z.iso.datetime(),
    status: z.enum(['ok', 'degraded', 'failing']),
    reasons: z.array(z.string()),
    settingProblems: z.array(z.string()),
    findings: z.array(finding).meta({ description: 'The worst first, as on the page.' }),
    timers: z.array(timerStatus),
    caches: z.array(
      z.object({
        name: z.string(),
        engine: z.string().nullable(),
        running: z
          .object({ runId: z.string(), startedAt: z.string(), deleted: z.number(), updatedAt: z.string() })
          .nullable(),
        lastRuns: z.record(z.string(), runRecord.nullable()),
      }),
    ),
  })
  .meta({ id: 'Status' });

const chosenName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be the name of a cache or key ring');

export const diagnoseQuery = z.strictObject({
  cache: chosenName.optional().meta({ description: 'Only this cache.' }),
  ring: chosenName.optional().meta({ description: 'Only this key ring.' }),
  format: z
    .enum(['json', 'html'], { error: 'must be json or html' })
    .optional()
    .meta({ description: 'In place of `Accept`.' }),
});

/** A run whose report is a diagnosis. */
export const diagnosisRun = runRecord.extend({ report: diagnosis.optional() }).meta({ id: 'DiagnosisRun' });

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; explained in docs/operations.md.' }),
    detail: z.string(),
    advice: z.string(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
    runId: z.string().optional(),
    run: z.unknown().optional(),
  })
  .meta({ id: 'Problem' });
