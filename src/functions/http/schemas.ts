import { z } from 'zod';
import { parseDuration } from '../../lib/durations.ts';
import { parseInstant } from '../../lib/keyRing/reading/instants.ts';
import { jobNames } from '../../lib/runs/catalogue.ts';
import { nameForm } from '../../lib/runs/runId.ts';

/** Requests of the HTTP functions; openapi.json is made from them. */

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

const cache = z
  .string()
  .regex(nameForm, 'must be the name of a cache')
  .optional()
  .meta({ description: 'May be left out where one cache is configured.' });

export const purgeRequest = z
  .strictObject({
    cache,
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
    cache,
    dryRun,
    confirm: z.string().optional().meta({ description: "The cache's name, where `dryRun` is false." }),
    allPrefixes: z
      .boolean()
      .optional()
      .meta({ description: "Of a Redis cache: also entries under longer prefixes, which may be other apps'." }),
    unreadable: z.boolean().optional().meta({ description: 'Only the entries that nobody can read.' }),
    expect: z.enum(['plain', 'encrypted']).optional().meta({
      description: 'With `unreadable`: what all apps write now; entries of the other form are unreadable too.',
    }),
    timeBudget,
  })
  .refine(({ unreadable, expect }) => unreadable || expect === undefined, {
    path: ['expect'],
    message: 'Needs `unreadable`.',
  })
  .meta({ id: 'ClearRequest' });

export const ringRequest = z.strictObject({ dryRun }).meta({ id: 'KeyRingRequest' });
export const rotateRequest = z
  .strictObject({
    dryRun,
    acceptEmpty: z.boolean().default(false).meta({ description: 'A ring that lost its keys may be begun anew.' }),
  })
  .meta({ id: 'RotateRequest' });

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

const subjectName = z.string().regex(nameForm, 'must be the name of a cache or key ring');

export const runsQuery = z
  .strictObject({
    job: z.enum(jobNames, { error: `must be one of: ${jobNames.join(', ')}` }).optional(),
    subject: subjectName.optional().meta({ description: 'Only runs on this cache or key ring.' }),
    cache: subjectName.optional().meta({ description: 'The same, as earlier versions called it.' }),
    limit: z
      .string()
      .regex(/^([1-9]\d?|100)$/, 'must be a number from 1 to 100')
      .default('20'),
  })
  .refine(({ subject, cache }) => subject === undefined || cache === undefined, 'must hold one of subject and cache');

export const diagnoseQuery = z.strictObject({
  cache: subjectName.optional().meta({ description: 'Only this cache.' }),
  ring: subjectName.optional().meta({ description: 'Only this key ring.' }),
  format: z
    .enum(['json', 'html'], { error: 'must be json or html' })
    .optional()
    .meta({ description: 'In place of `Accept`.' }),
});
