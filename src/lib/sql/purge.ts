import { formatDuration } from '../durations.ts';
import { MaintenanceError } from '../errors.ts';
import { BacklogWalk } from './backlogWalk.ts';
import type { AppPurge, CacheTable } from './cacheTable.ts';
import { chooseWay } from './chooseWay.ts';
import { ageOf } from './counts.ts';
import { ensureExpiryIndex, type IndexOutcome, leavesTableUnindexed } from './ensureExpiryIndex.ts';
import { type EntryCount, Estimator } from './estimate.ts';
import { ExpiryWalk } from './expiryWalk.ts';
import { KeyWalk } from './keyWalk.ts';
import { PurgeLoop } from './purgeLoop.ts';
import { planPurge } from './purgePlan.ts';
import type { PurgePlan, PurgeReport } from './purgeReport.ts';
import type { PurgeContext, PurgePolicy, PurgeRequest } from './purgeRequest.ts';
import { patientRetries, retryTransient } from './retry.ts';
import type { Walk } from './walk.ts';

const clockDifferenceLimitMs = 60_000;

/**
 * Deletes expired entries in batches until none is left, or a budget, a limit or a signal ends the run; each is a normal
 * end, told by `stopReason`. Entries that are alive by the database's clock are never deleted, whatever the request.
 * @throws MaintenanceError where the run cannot go on
 */
export async function purge(context: PurgeContext, request: PurgeRequest = {}): Promise<PurgeReport | PurgePlan> {
  const { table, policy, clock } = context;
  const start = clock.elapsed();
  const budgetMs = request.timeBudgetMs ?? policy.timeBudgetMs;
  const deadline = start + budgetMs;
  refuseNegative(policy, request);
  // A serverless database that was paused takes up to a minute to come back (40613).
  const patience = { retries: patientRetries, withinMs: budgetMs, signal: request.signal };

  const { now, warnings } = await readClock(context, patience);
  const cutoff = new Date(now.getTime() - Math.max(policy.graceMs, request.olderThanMs ?? 0));
  if (request.dryRun) return planPurge(table, policy, cutoff, now, warnings);

  const lock = await retryTransient(() => table.tryLock('purge'), patience);
  const report = emptyReport(table, cutoff, warnings);
  if (!lock) return { ...report, stopReason: 'busy', duration: formatDuration(clock.elapsed() - start) };
  try {
    request.onStart?.();
    const estimator = new Estimator(table.figures);
    const oldestBefore = await retryTransient(() => estimator.oldestExpiry(), patience);
    const index = await ensureIndexFirst(context, deadline, request.signal, warnings);
    const walk = await beginWalk(context, request, index, cutoff, estimator);
    if (walk.way === 'key') {
      warnings.push(
        `The expiry index is missing (${index}): the run goes along the primary key, which reads the whole table.`,
      );
    }
    const expired = request.onProgress && (await estimator.within({ before: cutoff }).catch(() => undefined));
    const loop = new PurgeLoop({ ...context, walk, lock, request, deadline, expired: expired?.count, start });
    const soFar = () => ({ ...report, ...loop.result, way: walk.way, index, skippedLocked: walk.skippedLocked });
    const stopReason = await loop.run().catch((error: unknown) => {
      const duration = formatDuration(clock.elapsed() - start);
      request.onFailure?.({ ...soFar(), stopReason: 'failed', warnings: [...warnings, ...loop.warnings], duration });
      throw error;
    });
    const left = await whatIsLeft(
      table,
      cutoff,
      now,
      stopReason === 'drained' ? walk.skippedLocked : undefined,
      warnings,
    );
    const appPurge = await readAppPurge(table);
    return {
      ...soFar(),
      stopReason,
      expiredRemaining: left.remaining,
      oldestExpiredAge: { before: ageOf(oldestBefore, now), after: left.oldestAge },
      appPurge,
      warnings: [...new Set([...warnings, ...loop.warnings, ...appPurgeWarning(appPurge), ...(table.notes ?? [])])],
      duration: formatDuration(clock.elapsed() - start),
    };
  } finally {
    await lock.release();
  }
}

async function beginWalk(
  { table, position, pagePosition }: PurgeContext,
  request: PurgeRequest,
  index: IndexOutcome,
  cutoff: Date,
  estimator: Estimator,
): Promise<Walk> {
  const way = await chooseWay(table, index, cutoff, estimator);
  if (way === 'key') return new KeyWalk(table.entries, cutoff, await position.read());
  const byExpiry = new ExpiryWalk(table.entries, cutoff);
  // Pages are taken whole, so a row limit, which is kept to the row and takes the oldest first, needs the index.
  if (way === 'expiry' || !table.pages || request.maxRows !== undefined) return byExpiry;
  // Not known, it begins at the first page.
  const from = pagePosition?.read().catch(() => undefined);
  return new BacklogWalk(table.pages, await table.pages.count(), cutoff, byExpiry, await from);
}

/** Settings are validated where they are read; this is the last line before a live entry could be deleted. */
function refuseNegative(policy: PurgePolicy, request: PurgeRequest): void {
  const values = [policy.graceMs, request.olderThanMs ?? 0, request.maxRows ?? 0, request.timeBudgetMs ?? 0];
  if (values.every((value) => Number.isFinite(value) && value >= 0)) return;
  throw new MaintenanceError(
    'purge_request_invalid',
    'A grace, age, row limit or time budget is negative or no number.',
    'Give values of zero or more.',
  );
}

async function readClock({ table, clock }: PurgeContext, patience: Parameters<typeof retryTransient>[1]) {
  let asked = clock.now().getTime();
  const now = await retryTransient(() => {
    asked = clock.now().getTime();
    return table.clock();
  }, patience);
  const difference = now.getTime() - (asked + clock.now().getTime()) / 2;
  const warnings: string[] = [];
  if (Math.abs(difference) > clockDifferenceLimitMs) {
    const side = difference > 0 ? 'ahead of' : 'behind';
    warnings.push(
      `The database's clock is ${formatDuration(Math.abs(difference))} ${side} this machine's. The purge goes by the database's; check the time synchronisation of both, and of the app servers.`,
    );
  }
  return { now, warnings };
}

/** A purge without the index would read the whole table each time, so it makes the index first where it can. */
async function ensureIndexFirst(
  { table, policy, clock }: PurgeContext,
  deadline: number,
  signal: AbortSignal | undefined,
  warnings: string[],
): Promise<IndexOutcome> {
  // Half of what is left: the other half is for the walk along the primary key, should the build take longer.
  const timeBudgetMs = Math.min(policy.index.timeBudgetMs, Math.max(1, (deadline - clock.elapsed()) / 2));
  try {
    const report = await ensureExpiryIndex(table, { ...policy.index, timeBudgetMs }, clock, { signal });
    return report.outcome;
  } catch (error) {
    if (!leavesTableUnindexed(error)) throw error;
    warnings.push(`${error.message} ${error.advice}`);
    return 'missing';
  }
}

/** What is left; `known` where the run saw it itself. The work is done by now: a figure that cannot be had is a warning. */
async function whatIsLeft(table: CacheTable, cutoff: Date, now: Date, known: number | undefined, warnings: string[]) {
  const estimator = new Estimator(table.figures);
  try {
    const remaining: EntryCount =
      known === undefined ? await estimator.within({ before: cutoff }) : { count: known, estimated: false };
    return { remaining, oldestAge: ageOf(await estimator.oldestExpiry(), now) };
  } catch (error) {
    warnings.push(`What is left could not be counted: ${error instanceof Error ? error.message : 'unknown failure'}`);
    return { remaining: null, oldestAge: null };
  }
}

/** Null where the engine keeps no such statistics. Like what is left, no reason to fail: the work is done. */
async function readAppPurge(table: CacheTable): Promise<AppPurge | null> {
  if (!table.appPurge) return null;
  return table.appPurge().catch(
    (error: unknown): AppPurge => ({
      state: 'unknown',
      reason: error instanceof Error ? error.message : 'unknown failure',
    }),
  );
}

function appPurgeWarning(finding: AppPurge | null): string[] {
  if (finding?.state !== 'running') return [];
  return [
    `A web app still deletes expired entries itself, last at ${finding.lastRunAt} for ${finding.lastDuration} (${finding.lastOutcome}): set its ExpiredItemsDeletionInterval, see docs/operations.md, "Switch off the web app's own purge".`,
  ];
}

function emptyReport(table: CacheTable, cutoff: Date, warnings: string[]): PurgeReport {
  return {
    engine: table.engine,
    table: table.displayName,
    dryRun: false,
    stopReason: 'busy',
    cutoff: cutoff.toISOString(),
    deleted: 0,
    batches: 0,
    batchSize: 0,
    batchTime: null,
    oldestExpiredAge: { before: null, after: null },
    expiredRemaining: null,
    skippedLocked: 0,
    appPurge: null,
    index: 'busy',
    way: 'expiry',
    duration: 'PT0S',
    retries: 0,
    unansweredBatches: 0,
    waits: { pauses: 'PT0S', load: 'PT0S', loadReasons: [] },
    warnings,
  };
}
