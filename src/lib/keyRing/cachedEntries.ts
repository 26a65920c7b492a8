/** What is known of the cached entries that a ring protects, by the key id in their first 20 bytes. */
export interface KeyUse {
  cache: string;
  /** Entries by the id of the key that they name, in lower case. */
  entries: ReadonlyMap<string, number>;
  /** Every entry was looked at; else a sample. */
  complete: boolean;
  /** Until when the longest-lived of the entries seen can live; undefined where that is not known, or never ends. */
  longestLivedUntil?: Date | undefined;
}

/** The port to the caches of a ring: which keys do their entries name? */
export interface CachedEntries {
  /** One for each cache of the ring that can be looked into. */
  keyUse(): Promise<KeyUse[]>;
}

/** A ring without caches that can be looked into. */
export const noCachedEntries: CachedEntries = { keyUse: async () => [] };

/** How many entries name one of the keys. */
export function entriesNaming(uses: readonly KeyUse[], ids: ReadonlySet<string>): number {
  return uses.reduce(
    (sum, { entries }) => [...entries].filter(([id]) => ids.has(id)).reduce((part, [, count]) => part + count, sum),
    0,
  );
}

/** Those of several caches together. */
export function allCachedEntries(parts: readonly CachedEntries[]): CachedEntries {
  return { keyUse: async () => (await Promise.all(parts.map((part) => part.keyUse()))).flat() };
}
