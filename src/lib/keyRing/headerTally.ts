import { keyIdOf } from './payloadHeader.ts';

/** How many entries name each key, by the first 20 bytes of their values; at least one of each that is named. */
export function tally(rows: readonly { header: Uint8Array; entries: number }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { header, entries } of rows) {
    const id = keyIdOf(header);
    if (id) counts.set(id, (counts.get(id) ?? 0) + entries);
  }
  return new Map([...counts].map(([id, entries]) => [id, Math.max(1, Math.round(entries))]));
}
