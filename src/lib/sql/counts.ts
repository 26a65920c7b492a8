import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { keyIdOf } from '../payloadHeader.ts';
import { appPurge, type CacheTable, type EntrySample, sqlEngine } from './cacheTable.ts';
import { Estimator, entryCount, percentiles, without } from './estimate.ts';
import { type Patience, retryTransient } from './retry.ts';

export const entrySize = z
  .object({ p50: z.int(), p95: z.int(), max: z.int(), sampled: z.int() })
  .meta({ description: 'Bytes of the values of `sampled` entries.' });
export type EntrySize = z.infer<typeof entrySize>;

export const countsReport = z
  .object({
    engine: sqlEngine,
    table: z.string(),
    at: z.iso.datetime().meta({ description: "The database's clock, to which expired and active refer." }),
    entries: entryCount,
    expired: entryCount,
    active: entryCount,
    expiringWithinHour: entryCount,
    undated: entryCount.default({ count: 0, estimated: false }).meta({
      description:
        'Entries without an expiry, in a table that takes such: no app reads them, no purge deletes them, a clear does.',
    }),
    dataBytes: z.int().nullable(),
    indexBytes: z.int().nullable(),
    oldestExpiredAge: z.iso.duration().nullable().meta({
      description: 'How long ago the oldest expired entry expired; null where none has, or finding it took too long.',
    }),
    entrySize: entrySize.nullable().meta({ description: 'From a random sample; null where that is empty.' }),
    keyIds: z
      .array(z.object({ keyId: z.string(), entries: z.int() }))
      .nullable()
      .default(null)
      .meta({
        description:
          'The Data Protection keys that encrypted, unexpired entries of a random sample name, the 20 most frequent; null where this version did not look.',
      }),
    appPurge: appPurge
      .default({ state: 'unknown', reason: 'this version did not look' })
      .meta({ description: 'Whether a web app still purges the table itself.' }),
    notes: z.array(z.string()).meta({
      description: 'What the server did not let be read, and where the figures come from instead.',
    }),
  })
  .meta({ id: 'CountsReport' });
export type CountsReport = z.infer<typeof countsReport>;

const hourMs = 3_600_000;
/** Entries whose beginnings are read: enough to see what one in a hundred is with 99 % certainty. */
const headersRead = 500;
/** Anybody who writes to the cache can name keys. */
const mostKeyIds = 20;

/** Says how large the table is and how much of it has expired. Reads only, and blocks no writer. */
export function countEntries(
  table: CacheTable,
  clock: Clock,
  { signal, onRetry }: Pick<Patience, 'signal' | 'onRetry'> = {},
): Promise<CountsReport> {
  return retryTransient(() => countOnce(table), { clock, deadline: clock.elapsed() + 60_000, signal, onRetry });
}

async function countOnce(table: CacheTable): Promise<CountsReport> {
  const estimator = new Estimator(table.figures, headersRead);
  const now = await table.clock();
  const { dataBytes, indexBytes } = await estimator.catalogue();
  const entries = await estimator.total();
  const expired = await estimator.within({ before: now });
  const expiringWithinHour = await estimator.within({ from: now, before: new Date(now.getTime() + hourMs) });
  const undated = await estimator.undated();
  const { sizes, headers } = await estimator.sample();
  return {
    engine: table.engine,
    table: table.displayName,
    at: now.toISOString(),
    entries,
    expired,
    active: without(without(entries, expired), undated),
    expiringWithinHour,
    undated,
    dataBytes: dataBytes ?? null,
    indexBytes: indexBytes ?? null,
    oldestExpiredAge: ageOf(await estimator.oldestExpiry(), now),
    entrySize: sizesOf(sizes),
    keyIds: keyIdsOf(headers),
    appPurge: await table.appPurge(),
    notes: [...table.notes],
  };
}

function keyIdsOf(headers: EntrySample['headers']): CountsReport['keyIds'] {
  return headers
    .flatMap(({ header, entries }) => {
      const keyId = keyIdOf(header);
      return keyId ? [{ keyId, entries }] : [];
    })
    .sort((a, b) => b.entries - a.entries)
    .slice(0, mostKeyIds);
}

/** How long before `now` the expiry was, ISO 8601; null where it was not. */
export function ageOf(expiry: Date | null | undefined, now: Date): string | null {
  return expiry && expiry < now ? formatDuration(now.getTime() - expiry.getTime()) : null;
}

export function sizesOf(sizes: readonly number[]): EntrySize | null {
  const [p50, p95, max] = percentiles(sizes, [0.5, 0.95, 1]);
  return p50 === undefined || p95 === undefined || max === undefined ? null : { p50, p95, max, sampled: sizes.length };
}
