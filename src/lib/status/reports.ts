import { z } from 'zod';
import type { RunRecord } from '../runs/recordStore.ts';

/**
 * Reports as records hold them. A record may be older than this code, or cut for its size: what cannot be read is passed
 * over, and never stops the page.
 */
const entryCount = z.object({ count: z.number(), estimated: z.boolean() });

const counts = z.object({
  at: z.string(),
  entries: entryCount,
  expired: entryCount,
  active: entryCount,
  dataBytes: z.number().nullable(),
  indexBytes: z.number().nullable(),
  oldestExpiredAge: z.string().nullable(),
});
export type Counts = z.infer<typeof counts>;

const purge = z.object({
  dryRun: z.literal(false),
  stopReason: z.string(),
  deleted: z.number(),
  batches: z.number(),
  expiredRemaining: entryCount.nullable(),
  oldestExpiredAge: z.object({ before: z.string().nullable(), after: z.string().nullable() }),
  skippedLocked: z.number().catch(0),
  way: z.string().catch('expiry'),
  waits: z.object({ loadReasons: z.array(z.string()) }).catch({ loadReasons: [] }),
  warnings: z.array(z.string()).catch([]),
});
export type Purge = z.infer<typeof purge>;

/** Of a cache of any engine. */
const clear = z.object({
  dryRun: z.literal(false),
  stopReason: z.string(),
  deleted: z.number(),
  remaining: entryCount.nullable(),
});

const purgePlan = z.object({ dryRun: z.literal(true), wouldDelete: entryCount });
const index = z.object({ outcome: z.string(), name: z.string().nullable(), percent: z.number().nullable() });
export type Index = z.infer<typeof index>;

/** What most other jobs say of themselves. */
const outcome = z.object({ outcome: z.string() });

export const readCounts = (record: RunRecord | undefined) => read(counts, record);
export const readPurge = (record: RunRecord | undefined) => read(purge, record);
export const readClear = (record: RunRecord | undefined) => read(clear, record);
export const readPurgePlan = (record: RunRecord | undefined) => read(purgePlan, record);
export const readIndex = (record: RunRecord | undefined) => read(index, record);
export const readOutcome = (record: RunRecord | undefined) => read(outcome, record);

/** The report in the given shape; undefined where it has another, or there is none. */
export function read<T>(shape: z.ZodType<T>, record: RunRecord | undefined): T | undefined {
  return shape.safeParse(record?.report).data;
}
