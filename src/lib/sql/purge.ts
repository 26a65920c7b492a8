import { formatDuration } from '../durations.ts';
import { MaintenanceError } from '../errors.ts';
import type { CacheTable } from './cacheTable.ts';
import { chooseWay, hasIndex } from './chooseWay.ts';
import { ageOf } from './counts.ts';
import { Deletion } from './deletion.ts';
import { ensureExpiryIndex, type IndexOutcome, leavesTableUnindexed } from './ensureExpiryIndex.ts';
import { Estimator } from './estimate.ts';
import { planPurge } from './purgePlan.ts';
import type { DeletionFigures, PurgePlan, PurgeReport, StopReason } from './purgeReport.ts';
import type { PurgeContext, PurgePolicy, PurgeRequest } from './purgeRequest.ts';
import { backlogWalk, expiryWalk, keyWalk, type Walk } from './walks.ts';

type OfPurge = Omit<PurgeReport, keyof DeletionFigures>;

const clockDifferenceLimitMs = 60_000;

/** So many expired entries are counted, which takes milliseconds; more are a backlog, which has no pace. */
const everydayRows = 50_000;

/**
 * Deletes expired entries in batches until none is left, or a budget, a limit or a signal ends the run; each is a normal
 * end, told by `stopReason`. Entries that are alive by the database's clock are never deleted, whatever the request.
 * @throws MaintenanceError where the run cannot go on
 */
export async function purge(context: PurgeContext, request: PurgeRequest = {}): Promise<PurgeReport | PurgePlan> {
  const { table, policy } = context;
  refuseNegative(policy, request);
  const run = new Deletion<OfPurge>(context, request);
  const now = await readClock(context, run);
  const cutoff = new Date(now.getTime() - Math.max(policy.graceMs, request.olderThanMs ?? 0));
  if (request.dryRun) return run.ask(() => planPurge(table, policy, cutoff, now, [...run.warnings]));

  const known: OfPurge = {
    cutoff: cutoff.toISOString(),
    oldestExpiredAge: { before: null, after: null },
    expiredRemaining: null,
    index: 'busy',
  };
  const look = () => table.figures.backlog(cutoff, everydayRows + 1);
  const prepare = async (index: IndexOutcome, seen?: Awaited<ReturnType<typeof look>>) => {
    const estimator = new Estimator(table.figures);
    const oldest = seen ? seen.oldest : await run.ask(() => estimator.oldestExpiry());
    const before = ageOf(oldest, now);
    // A walk would see the same.
    const walk = seen?.rows === 0 ? undefined : await beginWalk(context, request, index, cutoff, estimator, seen?.rows);
    if (walk?.way === 'key') {
      run.warnings.add(
        `The expiry index is missing (${index}): the run goes along the primary key, which reads the whole table.`,
      );
    }
    const countAll = async () =>
      request.onProgress && (await estimator.within({ before: cutoff }).catch(() => undefined))?.count;
    return {
      ...(walk && { walk }),
      expired: seen && seen.rows <= everydayRows ? seen.rows : await countAll(),
      known: { ...known, index },
      ended: async (stopReason: StopReason) => {
        // A run that drained saw itself what is left, unless it was to leave what expired of late.
        const due = new Date(now.getTime() - policy.graceMs);
        const isWhole = (stopReason === 'drained' || stopReason === 'rowsKept') && cutoff.getTime() === due.getTime();
        const kept = walk?.left.kept.reduce((sum, { entries }) => sum + (entries ?? 0), 0) ?? 0;
        const count = (walk?.left.skippedLocked ?? 0) + kept;
        const remaining = isWhole && !table.hidden ? { count, estimated: false } : undefined;
        const left = await run.countLeft(async () => {
          const figures = new Estimator(table.figures);
          // What is hidden is not none.
          const expiredRemaining = remaining ?? (table.hidden ? null : await figures.within({ before: due }));
          if (!walk) return { expiredRemaining, after: before };
          const first = seen ? (await table.figures.backlog(cutoff, 1)).oldest : await figures.oldestExpiry();
          return { expiredRemaining, after: ageOf(first, now) };
        });
        const { expiredRemaining = null, after = null } = left ?? {};
        return { expiredRemaining, oldestExpiredAge: { before, after } };
      },
    };
  };
  // Most runs find nothing, and need no lock for that. A look that fails is taken again under it.
  const early = await lookAlong(table, look).catch(() => undefined);
  if (early?.rows === 0) return run.end('drained', await prepare('present', early));
  return run.underLock(known, async () => {
    if (early) return prepare('present', early);
    const index = await ensureIndexFirst(context, run, request.signal);
    return prepare(index, hasIndex(index) ? await run.ask(look) : undefined);
  });
}

/** What a look along the expiry index sees; undefined where there is none. */
async function lookAlong<R>({ expiryIndex }: CacheTable, look: () => Promise<R>): Promise<R | undefined> {
  return (await expiryIndex.state()).kind === 'present' ? look() : undefined;
}

async function beginWalk(
  { table, position, pagePosition }: PurgeContext,
  { maxRows }: PurgeRequest,
  index: IndexOutcome,
  cutoff: Date,
  estimator: Estimator,
  expired: number | undefined,
): Promise<Walk> {
  const way = await chooseWay(table, index, cutoff, estimator, expired);
  if (way === 'key') return keyWalk(table.entries, cutoff, position);
  const byExpiry = expiryWalk(table.entries, cutoff, 'untilNothingIsLeft');
  // Pages are taken whole, so a row limit, which is kept to the row and takes the oldest first, needs the index.
  if (way === 'expiry' || !table.pages || maxRows !== undefined) return byExpiry;
  return backlogWalk(table.pages, cutoff, byExpiry, pagePosition);
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

async function readClock({ table, clock }: PurgeContext, run: Deletion<OfPurge>): Promise<Date> {
  let asked = clock.now().getTime();
  const now = await run.ask(() => {
    asked = clock.now().getTime();
    return table.clock('delete');
  });
  const difference = now.getTime() - (asked + clock.now().getTime()) / 2;
  if (Math.abs(difference) > clockDifferenceLimitMs) {
    const side = difference > 0 ? 'ahead of' : 'behind';
    run.warnings.add(
      `The database's clock is ${formatDuration(Math.abs(difference))} ${side} this machine's. The purge goes by the database's; check the time synchronisation of both, and of the app servers.`,
    );
  }
  return now;
}

/** A purge without the index would read the whole table each time, so it makes the index first where it can. */
async function ensureIndexFirst(
  { table, policy, clock }: PurgeContext,
  run: Deletion<OfPurge>,
  signal: AbortSignal | undefined,
): Promise<IndexOutcome> {
  // Half of what is left: the other half is for the walk along the primary key, should the build take longer.
  const timeBudgetMs = Math.min(policy.index.timeBudgetMs, Math.max(1, (run.deadline - clock.elapsed()) / 2));
  try {
    const build = { ...policy.index, timeBudgetMs };
    const { outcome, warnings } = await ensureExpiryIndex(table, build, clock, { reached: true, signal });
    for (const warning of warnings) run.warnings.add(warning);
    return outcome;
  } catch (error) {
    if (!leavesTableUnindexed(error)) throw error;
    run.warnings.add(`${error.message} ${error.advice}`);
    return 'missing';
  }
}
