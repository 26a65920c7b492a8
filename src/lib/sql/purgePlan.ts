import { formatDuration } from '../durations.ts';
import { countOf } from '../wording.ts';
import type { CacheTable } from './cacheTable.ts';
import { chooseWay } from './chooseWay.ts';
import { ageOf, sizesOf } from './counts.ts';
import { hindranceOf } from './ensureExpiryIndex.ts';
import { Estimator } from './estimate.ts';
import type { PurgePlan } from './purgeReport.ts';
import type { PurgePolicy } from './purgeRequest.ts';

/** Rows a second that a batch deletes on a small server; a real run measures its own. */
const assumedRowsPerSecond = 10_000;

/** What a purge with this cut-off would do. Reads only, and takes no lock. */
export async function planPurge(
  table: CacheTable,
  policy: PurgePolicy,
  cutoff: Date,
  now: Date,
  warnings: string[],
): Promise<PurgePlan> {
  const estimator = new Estimator(table.figures);
  const wouldDelete = await estimator.within({ before: cutoff });
  const { sizes, expiries } = await estimator.sample();
  const expired = sizes.filter((_, entry) => (expiries[entry] ?? Number.NaN) < cutoff.getTime());
  const meanBytes = expired.length === 0 ? null : expired.reduce((sum, size) => sum + size, 0) / expired.length;
  const state = await table.expiryIndex.state();
  const index = state.kind;
  const hindrance =
    index === 'present' || index === 'building' ? undefined : await hindranceOf(table, policy.index, state);
  const way = await chooseWay(
    table,
    hindrance ? 'missing' : index === 'building' || index === 'paused' ? 'building' : 'present',
    cutoff,
    estimator,
  );
  const rows = Math.min(table.maxBatchRows, Math.max(1, (assumedRowsPerSecond * policy.batchTargetMs) / 1000));
  const batches = Math.ceil(wouldDelete.count / rows);
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: true,
    cutoff: cutoff.toISOString(),
    wouldDelete,
    oldestExpiredAge: ageOf(await estimator.oldestExpiry(), now),
    entrySize: sizesOf(expired),
    wouldFreeBytes: meanBytes && Math.round(wouldDelete.count * meanBytes),
    batches,
    duration: formatDuration((wouldDelete.count / assumedRowsPerSecond) * 1000 * (1 + policy.pauseRatio)),
    index: hindrance ? 'missing' : index === 'present' || index === 'building' ? index : 'wouldBuild',
    way,
    statement: table.entries.deleteStatement(way),
    warnings: [...warnings, ...(hindrance ? [hindrance] : []), ...(await wholeParts(table, cutoff)), ...table.notes],
  };
}

/** A part of which everything has expired costs least to free as a whole: somebody's choice, since it locks the part. */
async function wholeParts(table: CacheTable, cutoff: Date): Promise<string[]> {
  const parts = (await table.expiredParts(cutoff)) ?? [];
  if (parts.length === 0) return [];
  return [
    `Every entry of ${countOf(parts.length, 'part', 'parts')} of the table has expired: ${parts.join(', ')}. Where no new entries come to it, as to one of past days, detaching or truncating it frees its space at once; this run deletes row by row.`,
  ];
}
