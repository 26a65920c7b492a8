import { type ClearRequest, isConfirmed } from '../clearRequest.ts';
import type { CacheTable, LatestExpiry, PurgeWay } from './cacheTable.ts';
import type { ClearPlan, ClearReport } from './clearReport.ts';
import { clearUnreadable } from './clearUnreadable.ts';
import { Deletion } from './deletion.ts';
import { Estimator, without } from './estimate.ts';
import type { DeletionFigures } from './purgeReport.ts';
import type { DeletionContext, DeletionRequest } from './purgeRequest.ts';
import { expiryWalk, keyWalk } from './walks.ts';

export type OfClear = Omit<ClearReport, keyof DeletionFigures>;

export type ClearHooks = Pick<DeletionRequest<ClearReport>, 'onStart' | 'onBatch' | 'onFailure' | 'onRetry'>;

/**
 * Deletes every entry of a table, alive or not, in the batches of the purge and under its lock: one pass up to the largest
 * expiry seen at the start, so that it ends though apps go on writing. A plan, unless confirmed with the cache's name.
 * @throws MaintenanceError `confirmation_wrong`, or where the run cannot go on
 */
export async function clearTable(
  context: DeletionContext,
  cache: string,
  { onProgress, ...request }: ClearRequest = {},
  hooks: ClearHooks = {},
): Promise<ClearReport | ClearPlan> {
  const confirmed = isConfirmed(request, cache);
  const { table } = context;
  const { signal, timeBudgetMs } = request;
  const run = new Deletion<OfClear>(context, {
    ...hooks,
    signal,
    timeBudgetMs,
    onProgress: ({ deleted }) => onProgress?.(deleted),
  });
  await run.ask(() => table.clock('delete'));
  if (request.judge) return clearUnreadable(context, run, request.judge, confirmed);
  if (!confirmed) return run.ask(() => planClear(table));

  const nothing = { count: 0, estimated: false };
  return run.underLock({ upTo: null, remaining: null, newer: null }, async () => {
    const latest = await run.ask(() => table.entries.latestExpiry());
    if (!latest) return { known: { upTo: null, remaining: nothing, newer: null } };
    const { instant, at } = latest;
    const way = await run.ask(() => wayOf(table));
    return {
      // It always begins at the beginning.
      walk: way === 'key' ? await keyWalk(table.entries, instant) : expiryWalk(table.entries, instant, 'one'),
      known: { upTo: endText(latest), remaining: null, newer: null },
      ended: async () => {
        const left = await run.countLeft(async () => {
          const estimator = new Estimator(table.figures);
          const remaining = await estimator.total();
          if (remaining.count === 0 || !at) return { remaining, newer: nothing };
          const older = await estimator.within({ before: new Date(at.getTime() + 1) });
          return { remaining, newer: without(remaining, older) };
        });
        return left ?? {};
      },
    };
  });
}

/** Every row goes, so an index that is missing is not worth its building; rows without an expiry have no place in its order. */
async function wayOf(table: CacheTable): Promise<PurgeWay> {
  const ordered = (await table.expiryIndex.state()).kind === 'present' && !(await table.entries.hasUndated());
  return ordered ? 'expiry' : 'key';
}

async function planClear(table: CacheTable): Promise<ClearPlan> {
  const estimator = new Estimator(table.figures);
  const now = await table.clock();
  const wouldDelete = await estimator.total();
  const active = without(without(wouldDelete, await estimator.within({ before: now })), await estimator.undated());
  const way = await wayOf(table);
  const latest = await table.entries.latestExpiry();
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: true,
    wouldDelete,
    active,
    upTo: latest ? endText(latest) : null,
    way,
    statement: table.entries.deleteStatement(way, true),
    warnings: [...table.notes],
  };
}

const endText = ({ at }: LatestExpiry) => at?.toISOString() ?? 'the end of time';
