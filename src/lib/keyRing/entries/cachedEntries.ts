import { keyIdOf } from '../../payloadHeader.ts';

/** What is known of the cached entries that a ring protects, by the key id in their first 20 bytes. */
export interface KeyUse {
  cache: string;
  /** Entries by the id of the key that they name, in lower case. */
  entries: ReadonlyMap<string, number>;
  /** Every entry was looked at; else a sample. */
  complete: boolean;
  /** Entries too large to be looked into: each may name any key. */
  unread?: number;
  /** Until when the longest-lived of the entries seen can live; undefined where that is not known, or never ends. */
  longestLivedUntil?: Date | undefined;
}

/** How many entries name one of the keys, or may name it. */
export function entriesNaming(uses: readonly KeyUse[], ids: ReadonlySet<string>): number {
  return uses.reduce(
    (sum, { entries, unread = 0 }) =>
      [...entries].filter(([id]) => ids.has(id)).reduce((part, [, count]) => part + count, sum + unread),
    0,
  );
}

/** How many entries name each key, by the first 20 bytes of their values; at least one of each that is named. */
export function tally(rows: readonly { header: Uint8Array; entries: number }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { header, entries } of rows) {
    const id = keyIdOf(header);
    if (id) counts.set(id, (counts.get(id) ?? 0) + entries);
  }
  return new Map([...counts].map(([id, entries]) => [id, Math.max(1, Math.round(entries))]));
}
