import type { CacheTable } from '../sqlCache/cacheTable.ts';
import type { CachedEntries, KeyUse } from './cachedEntries.ts';

/** The mark of a Data Protection payload (KeyRingBasedDataProtector: 09 F0 C9 F0), which 16 bytes of the key's id follow. */
const mark = Uint8Array.of(0x09, 0xf0, 0xc9, 0xf0);
const headerBytes = 20;
/** Reading every entry of a large table takes long: then a sample must do. */
const scanLimitMs = 20_000;
const sampledRows = 5_000;

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
  const counted = await table.figures.countByHeader(mark, scanLimitMs);
  if (counted) return { entries: tally(counted), complete: true };
  const sample = await table.figures.sample(sampledRows);
  const { entries: total } = await table.figures.catalogue();
  const entriesEach = sample.length > 0 ? (total ?? sample.length) / sample.length : 0;
  return { entries: tally(sample.map(({ header }) => ({ header, entries: entriesEach }))), complete: false };
}

function tally(rows: readonly { header: Uint8Array; entries: number }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { header, entries } of rows) {
    const id = keyIdOf(header);
    if (id) counts.set(id, (counts.get(id) ?? 0) + entries);
  }
  return new Map([...counts].map(([id, entries]) => [id, Math.max(1, Math.round(entries))]));
}

/** The key that a payload names, read as a .NET Guid (the first three groups little-endian); undefined where it is no payload. */
export function keyIdOf(header: Uint8Array): string | undefined {
  if (header.length < headerBytes || !mark.every((byte, index) => header[index] === byte)) return undefined;
  const bytes = Buffer.from(header.subarray(mark.length, headerBytes));
  const hex = [
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
    bytes.subarray(8, 10),
    bytes.subarray(10, 16),
  ];
  return hex.map((part) => part.toString('hex')).join('-');
}
