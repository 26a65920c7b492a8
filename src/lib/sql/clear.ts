import { type ClearRequest, isConfirmed } from '../clearRequest.ts';
import { formatDuration } from '../durations.ts';
import type { CacheTable, LatestExpiry, PurgeWay } from './cacheTable.ts';
import type { ClearPlan, ClearReport } from './clearReport.ts';
import { Estimator } from './estimate.ts';
import { ExpiryWalk } from './expiryWalk.ts';
import { KeyWalk } from './keyWalk.ts';
import { PurgeLoop } from './purgeLoop.ts';
import type { PurgeContext } from './purgeRequest.ts';
import { patientRetries, retryTransient } from './retry.ts';

/** A clear always begins at the beginning. */
const noPosition = { read: async () => undefined, write: async () => undefined };

export interface ClearHooks {
  /** Called once, when the run has the table's lock and begins. */
  onStart?: () => void;
  /** Called after each batch, with its time in ms and what has been deleted so far. */
  onBatch?: (batch: { tookMs: number; deleted: number }) => void;
  /** Called where an error ends the run after it began, with what it had done by then. */
  onFailure?: (report: ClearReport) => void;
}

/**
 * Deletes every entry of a table, alive or not, in the batches of the purge and under its lock: one pass up to the largest
 * expiry seen at the start, so that it ends though apps go on writing. A plan, unless confirmed with the cache's name.
 * @throws MaintenanceError `confirmation_wrong`, or where the run cannot go on
 */
export async function clearTable(
  { table, policy, clock }: Omit<PurgeContext, 'position'>,
  cache: string,
  request: ClearRequest = {},
  hooks: ClearHooks = {},
): Promise<ClearReport | ClearPlan> {
  const confirmed = isConfirmed(request, cache);
  const start = clock.elapsed();
  const budgetMs = request.timeBudgetMs ?? policy.timeBudgetMs;
  const { signal } = request;
  const patience = { retries: patientRetries, withinMs: budgetMs, signal };
  await retryTransient(() => table.clock(), patience);
  if (!confirmed) return retryTransient(() => planClear(table), patience);

  const lock = await retryTransient(() => table.tryLock('purge'), patience);
  const report = emptyReport(table);
  if (!lock) return { ...report, stopReason: 'busy', duration: formatDuration(clock.elapsed() - start) };
  try {
    hooks.onStart?.();
    const latest = await retryTransient(() => table.entries.latestExpiry(), patience);
    if (!latest) return { ...report, stopReason: 'drained', remaining: { count: 0, estimated: false } };
    const way = await retryTransient(() => wayOf(table), patience);
    const walk =
      way === 'key'
        ? new KeyWalk(table.entries, latest.instant, undefined)
        : new ExpiryWalk(table.entries, latest.instant, 'one');
    const loop = new PurgeLoop({
      table,
      policy,
      clock,
      position: noPosition,
      walk,
      lock,
      request: {
        signal,
        onBatch: (batch) => {
          hooks.onBatch?.(batch);
          request.onProgress?.(batch.deleted);
        },
      },
      deadline: start + budgetMs,
      expired: undefined,
      start,
    });
    const soFar = () => ({ ...report, ...loop.result, upTo: endText(latest), way, skippedLocked: walk.skippedLocked });
    const stopReason = await loop.run().catch((error: unknown) => {
      const duration = formatDuration(clock.elapsed() - start);
      hooks.onFailure?.({ ...soFar(), stopReason: 'failed', warnings: [...loop.warnings], duration });
      throw error;
    });
    const warnings = [...loop.warnings];
    const left = await whatIsThere(table, latest, warnings);
    return {
      ...soFar(),
      ...left,
      stopReason,
      warnings: [...warnings, ...(table.notes ?? [])],
      duration: formatDuration(clock.elapsed() - start),
    };
  } finally {
    await lock.release();
  }
}

/** Every row goes, so an index that is missing is not worth its building. */
async function wayOf(table: CacheTable): Promise<PurgeWay> {
  return (await table.expiryIndex.state()).kind === 'present' ? 'expiry' : 'key';
}

async function planClear(table: CacheTable): Promise<ClearPlan> {
  const estimator = new Estimator(table.figures);
  const now = await table.clock();
  const entries = await estimator.total();
  const expired = await estimator.within({ before: now });
  const way = await wayOf(table);
  const latest = await table.entries.latestExpiry();
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: true,
    wouldDelete: entries,
    active: {
      count: Math.max(0, entries.count - expired.count),
      estimated: entries.estimated || expired.estimated,
    },
    upTo: latest ? endText(latest) : null,
    way,
    statement: table.entries.deleteStatement(way, true),
    warnings: [...(table.notes ?? [])],
  };
}

/** The work is done by now: a figure that cannot be had is a warning. */
async function whatIsThere(table: CacheTable, { at }: LatestExpiry, warnings: string[]) {
  try {
    const estimator = new Estimator(table.figures);
    const remaining = await estimator.total();
    if (remaining.count === 0 || !at) return { remaining, newer: { count: 0, estimated: false } };
    const older = await estimator.within({ before: new Date(at.getTime() + 1) });
    const newer = {
      count: Math.max(0, remaining.count - older.count),
      estimated: remaining.estimated || older.estimated,
    };
    return { remaining, newer };
  } catch (error) {
    warnings.push(`What is left could not be counted: ${error instanceof Error ? error.message : 'unknown failure'}`);
    return { remaining: null, newer: null };
  }
}

const endText = ({ at }: LatestExpiry) => at?.toISOString() ?? 'the end of time';

function emptyReport(table: CacheTable): ClearReport {
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: false,
    stopReason: 'busy',
    upTo: null,
    deleted: 0,
    batches: 0,
    batchSize: 0,
    batchTime: null,
    remaining: null,
    newer: null,
    skippedLocked: 0,
    way: 'expiry',
    duration: 'PT0S',
    retries: 0,
    unansweredBatches: 0,
    waits: { pauses: 'PT0S', load: 'PT0S', loadReasons: [] },
    warnings: [],
  };
}
