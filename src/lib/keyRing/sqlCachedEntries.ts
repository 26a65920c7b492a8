import type { CacheTable } from '../sql/cacheTable.ts';
import type { CachedEntries, KeyUse } from './cachedEntries.ts';
import { tally } from './headerTally.ts';
import { payloadMark } from './payloadHeader.ts';

/** Reading every entry of a large table takes long: then a sample must do. */
const scanLimitMs = 20_000;
const sampledRows = 5_000;
/** Absolute expirations have no index; where they take longer, the latest expiry must do, which has one. */
const longestLimitMs = 10_000;

/** The entries of SQL caches, by the key that each names. Neither keys nor contents are read beyond the first 20 bytes. */
export class SqlCachedEntries implements CachedEntries {
  readonly #caches: readonly { name: string; open: () => Promise<CacheTable> }[];

  constructor(caches: readonly { name: string; open: () => Promise<CacheTable> }[]) {
    this.#caches = caches;
  }

  async keyUse(): Promise<KeyUse[]> {
    const uses: KeyUse[] = [];
    for (const { name, open } of this.#caches) {
      const table = await open();
      try {
        uses.push({ cache: name, ...(await keysOf(table)) });
      } finally {
        await table.close();
      }
    }
    return uses;
  }
}

async function keysOf(table: CacheTable): Promise<Omit<KeyUse, 'cache'>> {
  const longestLivedUntil =
    (await table.figures.longestLivedUntil(longestLimitMs)) ?? (await table.entries.latestExpiry())?.at ?? undefined;
  return { ...(await keysNamed(table)), longestLivedUntil };
}

async function keysNamed(table: CacheTable): Promise<Omit<KeyUse, 'cache'>> {
  const counted = await table.figures.countByHeader(payloadMark, scanLimitMs);
  if (counted) return { entries: tally(counted), complete: true };
  const sample = await table.figures.sample(sampledRows);
  const { entries: total } = await table.figures.catalogue();
  const entriesEach = sample.length > 0 ? (total ?? sample.length) / sample.length : 0;
  return { entries: tally(sample.map(({ header }) => ({ header, entries: entriesEach }))), complete: false };
}
