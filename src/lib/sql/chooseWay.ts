import type { CacheTable, PurgeWay } from './cacheTable.ts';
import type { IndexOutcome } from './ensureExpiryIndex.ts';
import { type Estimator, shareWithin } from './estimate.ts';

/**
 * From this many expired entries, and this share of the table, reading the table once in its own order costs less than
 * taking the rows in order of expiry: measured in docs/performance.md.
 */
const backlogRows = 20_000;
const backlogShare = 0.2;

/**
 * The way through the table: by the index where there is one, but page by page through a large backlog, if the engine can.
 * @param expired expired entries, where they were counted
 */
export async function chooseWay(
  table: CacheTable,
  index: IndexOutcome,
  cutoff: Date,
  estimator: Estimator,
  expired = Number.POSITIVE_INFINITY,
): Promise<PurgeWay> {
  if (!hasIndex(index)) return 'key';
  if (!table.pages || expired <= backlogRows) return 'expiry';
  // By the catalogue, however old: to count the table would cost what the choice saves.
  const { entries = 0 } = await estimator.catalogue();
  const share = shareWithin(await estimator.sample(), Number.NEGATIVE_INFINITY, cutoff.getTime());
  const isLarge = share >= backlogShare && share * entries >= backlogRows;
  return isLarge && (await table.pages.count()) > 0 ? 'pages' : 'expiry';
}

export function hasIndex(index: IndexOutcome): boolean {
  return index === 'present' || index === 'created' || index === 'rebuilt';
}
