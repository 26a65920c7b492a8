import { payloadMark } from '../../payloadHeader.ts';
import type { CacheTable } from '../../sql/cacheTable.ts';
import { type KeyUse, tally } from './cachedEntries.ts';

/** Reading every entry of a large table takes long: then a sample must do. */
const scanLimitMs = 20_000;
const sampledRows = 5_000;
/** Absolute expirations have no index; where they take longer, the latest expiry must do, which has one. */
const longestLimitMs = 10_000;

/** The entries of a SQL cache, by the key that each names. Neither keys nor contents are read beyond the first 20 bytes. */
export async function sqlKeyUse(cache: string, table: CacheTable): Promise<KeyUse> {
  const longestLivedUntil =
    (await table.figures.longestLivedUntil(longestLimitMs)) ?? (await table.entries.latestExpiry())?.at ?? undefined;
  const counted = await table.figures.countByHeader(payloadMark, scanLimitMs);
  if (counted) return { cache, entries: tally(counted), complete: true, longestLivedUntil };
  const sample = await table.figures.sampleHeaders(sampledRows);
  const { entries: total } = await table.figures.catalogue();
  const each = sample.length > 0 ? (total ?? sample.length) / sample.length : 0;
  const entries = tally(sample.map((header) => ({ header, entries: each })));
  return { cache, entries, complete: false, longestLivedUntil };
}
