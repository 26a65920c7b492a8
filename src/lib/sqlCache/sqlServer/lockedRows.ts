import type { BatchOutcome } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';

/** The rows of one range, by their keys. */
export interface KeyedRows {
  /** Keys after `afterKey`, at most `limit` of them, in the server's order. */
  keys(afterKey: string | undefined, limit: number): Promise<string[]>;
  /** Deletes the range's rows from `firstKey` to `lastKey`, both included; fails with kind `lock` where one is locked. */
  remove(firstKey: string, lastKey: string, limit: number): Promise<number>;
  /** Fails with kind `lock` where the table itself is locked. */
  probeTable(): Promise<void>;
}

/** Lock timeouts that one batch may cost, each a tenth of a second. */
const mostWaits = 60;

/**
 * Deletes a range's rows but for those that others hold locked, on a server that cannot pass over them: what cannot be
 * deleted at once is halved, down to single rows, and a row that alone cannot be deleted counts as locked, provided that
 * the table is not. Where not all of the range was looked at, `skipped` stays undefined.
 * @throws CacheTableError of kind `lock` where the table is locked, or more rows than can be waited for
 */
export async function deleteAroundLocks(rows: KeyedRows, limit: number): Promise<BatchOutcome> {
  let deleted = 0;
  let skipped = 0;
  let waits = 0;

  const remove = async (keys: string[]): Promise<void> => {
    const [first] = keys;
    const last = keys.at(-1);
    if (first === undefined || last === undefined) return;
    try {
      deleted += await rows.remove(first, last, keys.length);
      return;
    } catch (error) {
      waits += 1;
      if (!(error instanceof CacheTableError) || error.kind !== 'lock' || waits > mostWaits) throw error;
    }
    if (keys.length === 1) {
      await rows.probeTable();
      skipped += 1;
      return;
    }
    const middle = keys.length >> 1;
    await remove(keys.slice(0, middle));
    await remove(keys.slice(middle));
  };

  try {
    let after: string | undefined;
    for (;;) {
      const keys = await rows.keys(after, limit);
      await remove(keys);
      after = keys.at(-1);
      // Behind a page of locked rows only there may be others: "nothing deleted" must mean that nothing could be.
      if (deleted > 0 || keys.length < limit) return { deleted, hitLocks: skipped > 0, skipped };
    }
  } catch (error) {
    // What is deleted is deleted, and is counted; the next batch looks at the range again.
    if (deleted > 0) return { deleted, hitLocks: true };
    throw error;
  }
}
