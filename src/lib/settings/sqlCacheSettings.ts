import { z } from 'zod';
import type { PurgePolicy } from '../sql/purgeRequest.ts';
import { decimal, duration, flag, schedule, wholeNumber } from './fields.ts';

/** The settings of the jobs on SQL caches, with their defaults; docs/reference/settings.md explains each. */
export const sqlCacheShape = {
  SCHEDULE_PURGE: schedule.default('0 */30 * * * *'),
  SCHEDULE_INDEX: schedule.default('0 17 3 * * *'),
  SCHEDULE_COUNTS: schedule.default('0 */5 * * * *'),
  PURGE_GRACE: duration('PT0S', 'P30D').prefault('PT60S'),
  PURGE_BATCH_TARGET: duration('PT0.01S', 'PT10S').prefault('PT0.2S'),
  PURGE_PAUSE_RATIO: decimal(0, 100).prefault('1'),
  PURGE_PACE: duration('PT0S', 'PT10M').prefault('PT5S'),
  PURGE_TIME_BUDGET: duration('PT1S', 'PT6H').prefault('PT5M'),
  PURGE_ROW_LIMIT: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  PURGE_LOAD_LIMIT: wholeNumber(1, 100).prefault('80'),
  PURGE_LOCK_WAIT_LIMIT: wholeNumber(0, 10_000).prefault('5'),
  EXPIRY_INDEX_NAME: z
    .string()
    .regex(/^[^\0]{1,60}$/, 'must have 1 to 60 characters')
    .optional(),
  EXPIRY_INDEX_TIME_BUDGET: duration('PT1S', 'PT6H').prefault('PT5M'),
  EXPIRY_INDEX_OFFLINE_ROW_LIMIT: wholeNumber(0, Number.MAX_SAFE_INTEGER).prefault('1000000'),
  EXPIRY_INDEX_ALLOW_OFFLINE: flag.prefault('false'),
  STATEMENT_TIMEOUT: duration('PT1S', 'PT10M').prefault('PT30S'),
};
type Values = z.infer<z.ZodObject<typeof sqlCacheShape>>;

export function purgePolicy(values: Values): PurgePolicy {
  return {
    graceMs: values.PURGE_GRACE,
    batchTargetMs: values.PURGE_BATCH_TARGET,
    pauseRatio: values.PURGE_PAUSE_RATIO,
    paceMs: values.PURGE_PACE,
    timeBudgetMs: values.PURGE_TIME_BUDGET,
    loadLimits: { percent: values.PURGE_LOAD_LIMIT, lockWaits: values.PURGE_LOCK_WAIT_LIMIT },
    index: {
      name: values.EXPIRY_INDEX_NAME,
      timeBudgetMs: values.EXPIRY_INDEX_TIME_BUDGET,
      offlineRowLimit: values.EXPIRY_INDEX_ALLOW_OFFLINE
        ? Number.POSITIVE_INFINITY
        : values.EXPIRY_INDEX_OFFLINE_ROW_LIMIT,
    },
  };
}
