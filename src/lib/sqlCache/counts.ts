import { formatDuration } from '../durations.ts';
import type { CacheTable, SampledEntry, SqlEngine } from './cacheTable.ts';
import { type EntryCount, Estimator, percentiles } from './estimate.ts';
import { patientRetries, retryTransient } from './retry.ts';

export interface CountsReport {
  engine: SqlEngine;
  table: string;
  /** The database's clock, to which expired and active refer. */
  at: string;
  entries: EntryCount;
  expired: EntryCount;
  active: EntryCount;
  expiringWithinHour: EntryCount;
  dataBytes: number | null;
  indexBytes: number | null;
  /** How long ago the oldest expired entry expired, ISO 8601; null where none has expired or finding it took too long. */
  oldestExpiredAge: string | null;
  /** Bytes, from a random sample; null where the sample is empty. */
  entrySize: EntrySize | null;
  /** What the server did not let be read, and where the figures come from instead. */
  notes: string[];
}

export interface EntrySize {
  p50: number;
  p95: number;
  max: number;
  sampled: number;
}

const hourMs = 3_600_000;

/** Says how large the table is and how much of it has expired. Reads only, and blocks no writer. */
export function countEntries(table: CacheTable, signal?: AbortSignal): Promise<CountsReport> {
  return retryTransient(() => countOnce(table), { retries: patientRetries, withinMs: 60_000, signal });
}

async function countOnce(table: CacheTable): Promise<CountsReport> {
  const estimator = new Estimator(table.figures);
  const now = await table.clock();
  const { dataBytes, indexBytes } = await estimator.catalogue();
  const entries = await estimator.total();
  const expired = await estimator.within({ before: now });
  const expiringWithinHour = await estimator.within({ from: now, before: new Date(now.getTime() + hourMs) });
  return {
    engine: table.engine,
    table: table.displayName,
    at: now.toISOString(),
    entries,
    expired,
    // Entries come and go between the two counts.
    active: { count: Math.max(0, entries.count - expired.count), estimated: entries.estimated || expired.estimated },
    expiringWithinHour,
    dataBytes: dataBytes ?? null,
    indexBytes: indexBytes ?? null,
    oldestExpiredAge: ageOf(await estimator.oldestExpiry(), now),
    entrySize: sizesOf(await estimator.sample()),
    notes: [...(table.notes ?? [])],
  };
}

/** How long before `now` the expiry was, ISO 8601; null where it was not. */
export function ageOf(expiry: Date | undefined, now: Date): string | null {
  return expiry && expiry < now ? formatDuration(now.getTime() - expiry.getTime()) : null;
}

export function sizesOf(sample: readonly SampledEntry[]): EntrySize | null {
  const [p50, p95, max] = percentiles(
    sample.map(({ size }) => size),
    [0.5, 0.95, 1],
  );
  return p50 === undefined || p95 === undefined || max === undefined ? null : { p50, p95, max, sampled: sample.length };
}
