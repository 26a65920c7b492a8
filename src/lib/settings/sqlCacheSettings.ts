import type { z } from 'zod';
import type { PurgePolicy } from '../sql/purgeRequest.ts';
import { decimal, duration, flag, schedule, told, wholeNumber } from './fields.ts';

/** The settings of the jobs on SQL caches, with their defaults; docs/reference/settings.md explains each. */
export const sqlCacheShape = {
  SCHEDULE_PURGE: schedule.default('0 */30 * * * *').meta({ description: 'When `purgeExpiredEntries` runs.' }),
  SCHEDULE_INDEX: schedule.default('0 17 3 * * *').meta({ description: 'When `ensureExpiryIndex` runs.' }),
  SCHEDULE_COUNTS: schedule.default('0 */5 * * * *').meta({ description: 'When `recordCacheCounts` runs.' }),
  PURGE_GRACE: duration('PT0S', 'P30D').prefault('PT60S').meta({
    description:
      "Entries are deleted when they expired at least this long ago by the database's clock: the clocks of app servers differ.",
  }),
  PURGE_BATCH_TARGET: duration('PT0.01S', 'PT10S').prefault('PT0.2S').meta({
    description:
      'The time that a batch should take. The number of rows adapts to it: at most 2,000 on SQL Server (lock escalation), 10,000 on PostgreSQL.',
  }),
  PURGE_PAUSE_RATIO: decimal(0, 100)
    .prefault('1')
    .meta({ description: "The pause after a batch, as a multiple of the batch's time. `0` for none." }),
  PURGE_PACE: duration('PT0S', 'PT10M').prefault('PT5S').meta({
    description:
      'The time that a scheduled run may take for up to 50,000 expired entries: it deletes them in small batches, every 50 ms one of 100 entries, or of as many more as this time asks for. More than that is a backlog, and goes as fast as `PURGE_BATCH_TARGET` and `PURGE_PAUSE_RATIO` let it. `PT0S`: so does every run. A run that was asked for, by terminal or HTTP, has no pace.',
  }),
  PURGE_TIME_BUDGET: duration('PT1S', 'PT6H')
    .prefault('PT5M')
    .meta({ description: 'A run stops after this time. Keep it below `functionTimeout` of `host.json` (10 minutes).' }),
  PURGE_ROW_LIMIT: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'A run deletes at most so many entries.' }),
  PURGE_LOAD_LIMIT: wholeNumber(1, 100).prefault('80').meta({
    description: 'Per cent of CPU, data IO or log writes of an Azure SQL database above which the run pauses.',
  }),
  PURGE_LOCK_WAIT_LIMIT: wholeNumber(0, 10_000)
    .prefault('5')
    .meta({ description: 'Sessions waiting for a lock in the database above which the run pauses.' }),
  EXPIRY_INDEX_NAME: told()
    .regex(/^[^\0]{1,60}$/, 'must have 1 to 60 characters')
    .optional()
    .meta({
      description:
        'Name for an index that is created: `IX_TokenCache_ExpiresAtTime`; on PostgreSQL, where indexes of a schema share their names, `IX_` + table + `_ExpiresAtTime`. An index that leads with the expiry column is found under any name.',
    }),
  EXPIRY_INDEX_TIME_BUDGET: duration('PT1S', 'PT6H').prefault('PT5M').meta({
    description:
      'A run waits for a build this long; then the build is paused (SQL Server, resumable) or goes on in the database (PostgreSQL).',
  }),
  EXPIRY_INDEX_OFFLINE_ROW_LIMIT: wholeNumber(0, Number.MAX_SAFE_INTEGER).prefault('1000000').meta({
    description:
      'Editions of SQL Server without online builds: the largest table for which an offline build, which blocks sign-ins, is allowed.',
  }),
  EXPIRY_INDEX_ALLOW_OFFLINE: flag
    .prefault('false')
    .meta({ description: '`true` allows an offline build on a table of any size.' }),
  STATEMENT_TIMEOUT: duration('PT1S', 'PT10M')
    .prefault('PT30S')
    .meta({ description: 'Deadline of every statement but an index build.' }),
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
