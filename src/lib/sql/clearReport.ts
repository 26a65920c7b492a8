import { z } from 'zod';
import { unreadableFigures } from '../unreadableTally.ts';
import { entryCount } from './estimate.ts';
import { deletionFigures, planFigures } from './purgeReport.ts';

const upTo = z.string().nullable().meta({
  description:
    'The largest expiry seen at the start, to which the clear went, or `the end of time`; null for an empty table.',
});

/** What a clear did. Entries that were written or refreshed after its start with a later expiry are not touched. */
export const clearReport = deletionFigures
  .extend({
    upTo,
    remaining: entryCount.nullable().meta({
      description:
        'Entries there are now: left behind by a run that stopped early, locked, or new. Null where they could not be counted.',
    }),
    newer: entryCount.nullable().meta({
      description:
        'Of these, those that expire later than any seen at the start: written or refreshed since, by apps that go on.',
    }),
    unreadable: unreadableFigures.optional(),
  })
  .meta({ id: 'ClearReport' });
export type ClearReport = z.infer<typeof clearReport>;

/** What a clear would do; nothing was changed and no lock taken. */
export const clearPlan = planFigures
  .extend({
    active: entryCount.meta({ description: 'Of these, those that are alive: their users sign in again.' }),
    upTo,
    unreadable: unreadableFigures.optional(),
  })
  .meta({ id: 'ClearPlan' });
export type ClearPlan = z.infer<typeof clearPlan>;

export const anyClearReport = z.discriminatedUnion('dryRun', [clearReport, clearPlan]);
