import type { Clock } from '../clock.ts';
import { formatDuration } from '../durations.ts';
import { MaintenanceError } from '../errors.ts';
import type { AppPurge, CacheTable } from './cacheTable.ts';
import { ageOf } from './counts.ts';
import { ensureExpiryIndex, type IndexOutcome, type IndexPolicy, leavesTableUnindexed } from './ensureExpiryIndex.ts';
import { type EntryCount, Estimator } from './estimate.ts';
import { ExpiryWalk } from './expiryWalk.ts';
import { KeyWalk } from './keyWalk.ts';
import type { LoadLimits } from './loadGuard.ts';
import { PurgeLoop } from './purgeLoop.ts';
import { planPurge } from './purgePlan.ts';
import type { PurgePlan, PurgeProgress, PurgeReport } from './purgeReport.ts';
import { retryTransient } from './retry.ts';

export interface PurgePolicy {
  /** Entries are deleted only when they expired at least this long ago: app servers' clocks differ. */
  graceMs: number;
  /** The time that a batch should take. */
  batchTargetMs: number;
  /** The pause after a batch, as a multiple of the batch's time; 0 for none. */
  pauseRatio: number;
  timeBudgetMs: number;
  loadLimits: LoadLimits;
  index: IndexPolicy;
}

export interface PurgeRequest {
  dryRun?: boolean;
  /** Deletes only what expired at least this long ago. Never moves the cut-off later than the policy's grace. */
  olderThanMs?: number;
  maxRows?: number;
  timeBudgetMs?: number;
  /** Stops between two batches. */
  signal?: AbortSignal | undefined;
  onProgress?: (progress: PurgeProgress) => void;
}

/** Where a walk along the primary key stopped, kept from run to run. */
export interface PositionStore {
  read(): Promise<string | undefined>;
  write(position: string | undefined): Promise<void>;
}

export interface PurgeContext {
  table: CacheTable;
  policy: PurgePolicy;
  clock: Clock;
  position: PositionStore;
}

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
  const patience = { retries: 9, withinMs: budgetMs, signal: request.signal };

  const { now, warnings } = await readClock(context, patience);
  const cutoff = new Date(now.getTime() - Math.max(policy.graceMs, request.olderThanMs ?? 0));
  if (request.dryRun) return planPurge(table, policy, cutoff, now, warnings);

  const lock = await retryTransient(() => table.tryLock('purge'), patience);
  const report = emptyReport(table, cutoff, warnings);
  if (!lock) return { ...report, stopReason: 'busy', duration: formatDuration(clock.elapsed() - start) };
  try {
    const estimator = new Estimator(table.figures);
    const oldestBefore = await retryTransient(() => estimator.oldestExpiry(), patience);
    const index = await ensureIndexFirst(context, deadline, request.signal, warnings);
    const way = index === 'present' || index === 'created' || index === 'rebuilt' ? 'expiry' : 'key';
    if (way === 'key')
      warnings.push(
        `The expiry index is missing (${index}): the run goes along the primary key, which reads the whole table.`,
      );

    const expired = request.onProgress && (await estimator.within({ before: cutoff }).catch(() => undefined));
    const walk =
      way === 'expiry'
        ? new ExpiryWalk(table.entries, cutoff)
        : new KeyWalk(table.entries, cutoff, await context.position.read());
    const loop = new PurgeLoop({ ...context, walk, lock, request, deadline, expired: expired?.count, start });
    const stopReason = await loop.run();
    const left = await whatIsLeft(
      table,
      cutoff,
      now,
      stopReason === 'drained' ? walk.skippedLocked : undefined,
      warnings,
    );
    const appPurge = await readAppPurge(table);
    return {
      ...report,
      ...loop.result,
      stopReason,
      way,
      index,
      expiredRemaining: left.remaining,
      oldestExpiredAge: { before: ageOf(oldestBefore, now), after: left.oldestAge },
      skippedLocked: walk.skippedLocked,
      appPurge,
      warnings: [...warnings, ...loop.warnings, ...appPurgeWarning(appPurge), ...(table.notes ?? [])],
      duration: formatDuration(clock.elapsed() - start),
    };
  } finally {
    await lock.release();
  }
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
