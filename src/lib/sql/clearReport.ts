import { z } from 'zod';
import { purgeWay, sqlEngine } from './cacheTable.ts';
import { entryCount } from './estimate.ts';
import { batchFigures, stopReason } from './purgeReport.ts';

const upTo = z.string().nullable().meta({
  description:
    'The largest expiry seen at the start, to which the clear went, or `the end of time`; null for an empty table.',
});

/** What a clear did. Entries that were written or refreshed after its start with a later expiry are not touched. */
export const clearReport = batchFigures
  .extend({
    engine: sqlEngine,
    table: z.string(),
    dryRun: z.literal(false),
    stopReason,
    upTo,
    remaining: entryCount.nullable().meta({
      description:
        'Entries there are now: left behind by a run that stopped early, locked, or new. Null where they could not be counted.',
    }),
    newer: entryCount.nullable().meta({
      description:
        'Of these, those that expire later than any seen at the start: written or refreshed since, by apps that go on.',
    }),
    skippedLocked: z.int().meta({ description: 'Entries left since an app held them locked.' }),
    way: purgeWay,
    duration: z.iso.duration(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'ClearReport' });
export type ClearReport = z.infer<typeof clearReport>;

/** What a clear would do; nothing was changed and no lock taken. */
export const clearPlan = z
  .object({
    engine: sqlEngine,
    table: z.string(),
    dryRun: z.literal(true),
    wouldDelete: entryCount,
    active: entryCount.meta({ description: 'Of these, those that are alive: their users sign in again.' }),
    upTo,
    way: purgeWay,
    statement: z.string(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'ClearPlan' });
export type ClearPlan = z.infer<typeof clearPlan>;

export const anyClearReport = z.discriminatedUnion('dryRun', [clearReport, clearPlan]);
