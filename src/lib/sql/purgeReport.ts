import { z } from 'zod';
import { keptRows, purgeWay, sqlEngine } from './cacheTable.ts';
import { entrySize } from './counts.ts';
import { indexOutcome } from './ensureExpiryIndex.ts';
import { entryCount } from './estimate.ts';

export const stopReason = z
  .enum(['drained', 'rowsKept', 'timeBudget', 'rowLimit', 'busy', 'unhealthy', 'aborted', 'failed'])
  .meta({
    description: [
      '`drained`: a last look found nothing left to delete that was not locked.',
      '`rowsKept`: the same, but for entries that the database refuses to delete or hides; `kept` says why.',
      '`timeBudget`, `rowLimit`: used up.',
      '`busy`: another run holds the table.',
      "`unhealthy`: paused for the database's sake until the budget ended.",
      "`aborted`: asked to stop, or the run's lock was lost.",
      '`failed`: an error ended it; this is what it had done by then.',
    ].join(' '),
  });
export type StopReason = z.infer<typeof stopReason>;

/** What every run that deletes in batches tells. */
export const deletionFigures = z.object({
  engine: sqlEngine,
  table: z.string(),
  dryRun: z.literal(false),
  stopReason,
  deleted: z.int(),
  batches: z.int(),
  batchSize: z.int().meta({ description: 'Rows that the last batches asked for.' }),
  batchTime: z.object({ min: z.iso.duration(), median: z.iso.duration(), max: z.iso.duration() }).nullable(),
  retries: z.int(),
  unansweredBatches: z.int().meta({
    description: 'Batches whose answer was lost: they may have deleted entries that `deleted` does not count.',
  }),
  waits: z.object({ pauses: z.iso.duration(), load: z.iso.duration(), loadReasons: z.array(z.string()) }),
  skippedLocked: z.int().meta({ description: 'Entries left since an app held them locked.' }),
  kept: z.array(keptRows).default([]).meta({
    description: 'Entries left since a constraint, trigger or policy keeps them, by cause.',
  }),
  heldBy: z.string().nullable().default(null).meta({
    description: 'Of a run that found the table busy: the session that holds its lock, where the server tells.',
  }),
  way: purgeWay,
  duration: z.iso.duration(),
  warnings: z.array(z.string()),
});
export type DeletionFigures = z.infer<typeof deletionFigures>;

/** What every plan of such a run tells. */
export const planFigures = z.object({
  engine: sqlEngine,
  table: z.string(),
  dryRun: z.literal(true),
  wouldDelete: entryCount,
  way: purgeWay,
  statement: z.string(),
  warnings: z.array(z.string()),
});

/** What a purge did, and why it stopped. Instants are the database's. */
export const purgeReport = deletionFigures
  .extend({
    cutoff: z.iso.datetime().meta({ description: 'Entries that expired before this were deleted.' }),
    oldestExpiredAge: z.object({ before: z.iso.duration().nullable(), after: z.iso.duration().nullable() }),
    expiredRemaining: entryCount.nullable(),
    index: indexOutcome,
  })
  .meta({ id: 'PurgeReport' });
export type PurgeReport = z.infer<typeof purgeReport>;

/** What a purge would do; nothing was changed and no lock taken. */
export const purgePlan = planFigures
  .extend({
    cutoff: z.iso.datetime(),
    oldestExpiredAge: z.iso.duration().nullable(),
    entrySize: entrySize.nullable(),
    wouldFreeBytes: z.int().nullable(),
    batches: z.int(),
    duration: z.iso.duration().meta({
      description: 'At the batch time aimed at and with the pauses; the real run adapts to the database.',
    }),
    index: indexOutcome,
  })
  .meta({ id: 'PurgePlan' });
export type PurgePlan = z.infer<typeof purgePlan>;

export const anyPurgeReport = z.discriminatedUnion('dryRun', [purgeReport, purgePlan]);
export type AnyPurgeReport = z.infer<typeof anyPurgeReport>;

export interface PurgeProgress {
  deleted: number;
  /** Expired entries when the run began; undefined until counted. */
  expired: number | undefined;
  elapsedMs: number;
}
