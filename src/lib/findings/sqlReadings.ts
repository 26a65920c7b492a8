import type { FindingPolicy } from '../findingPolicy.ts';
import { endOf, isReal, type JobHistory } from '../runs/history.ts';
import { joinParts } from '../runs/sumOfParts.ts';
import type { AppPurge } from '../sql/cacheTable.ts';
import type { CountsReport } from '../sql/counts.ts';
import type { PurgeReport } from '../sql/purgeReport.ts';
import { countText } from '../sql/summaries.ts';

/** A report, and when its run began. */
export interface Read<R> {
  at: string;
  report: R;
}

/** Real purges that succeeded, or go on in further parts, newest first; the parts of one count as one. */
export function purgesOf({ runs }: JobHistory<'purge'>, now: Date): Read<PurgeReport>[] {
  const real = runs.filter(({ dryRun, outcome }) => !dryRun && outcome !== 'skipped' && outcome !== 'refused');
  return joinParts(real, now).flatMap(({ startedAt, outcome, report }) =>
    (outcome === 'succeeded' || outcome === 'running') && report && !report.dryRun ? [{ at: startedAt, report }] : [],
  );
}

export function countsOf({ runs }: JobHistory<'counts'>): Read<CountsReport>[] {
  return runs.flatMap((run) => (isReal(run) && run.report ? [{ at: run.startedAt, report: run.report }] : []));
}

/** It came to the end of what it could delete. */
const isDone = ({ stopReason }: PurgeReport) => stopReason === 'drained' || stopReason === 'rowsKept';

/**
 * Nothing that had expired, but what others held locked or the database keeps, which is told by itself: one that was asked for
 * old entries alone may drain these and leave the rest.
 */
function leftNothing(report: PurgeReport): boolean {
  const { expiredRemaining, skippedLocked, kept } = report;
  const passedOver = kept.reduce((sum, { entries }) => sum + (entries ?? 0), skippedLocked);
  return isDone(report) && (expiredRemaining === null || expiredRemaining.count <= passedOver);
}

/** A reading of how long ago the oldest expired entry expired; null where there was none. */
export interface Age {
  /** In ms since 1970. */
  at: number;
  age: string | null;
}

/** The newest first, of counts and purges. One that found no answer in time is none. */
export function agesOf(purge: JobHistory<'purge'>, counts: JobHistory<'counts'>): Age[] {
  const byCounts = countsOf(counts)
    .filter(({ report }) => isAge(report))
    .map(({ at, report }) => ({ at: Date.parse(at), age: report.oldestExpiredAge }));
  // What is left is read as the purge ends.
  const byPurges = purge.runs.filter(isReal).flatMap((run) => {
    if (!run.report || run.report.dryRun) return [];
    const { oldestExpiredAge, expiredRemaining } = run.report;
    // A run may drain the table, and fail to read what it passed over as locked.
    const isKnown = oldestExpiredAge.after !== null || (isDone(run.report) && expiredRemaining !== null);
    return isKnown ? [{ at: endOf(run), age: oldestExpiredAge.after }] : [];
  });
  return [...byCounts, ...byPurges].sort((a, b) => b.at - a.at);
}

const isAge = ({ oldestExpiredAge, expired }: CountsReport) => oldestExpiredAge !== null || expired.count === 0;

/** Whether the records hold a reading of the oldest expired entry, and one of the table's size. */
export function tellCounts(history: JobHistory<'counts'>): boolean {
  const has = (knows: (report: CountsReport) => boolean) => countsOf(history).some(({ report }) => knows(report));
  return has(isAge) && has(({ dataBytes }) => dataBytes !== null);
}

/** Whether they tell if a web app purges the table. Where the right to see that is missing none does, so no more are read for it. */
export const tellAppPurge = (history: JobHistory<'counts'>) =>
  countsOf(history).some(({ report }) => report.appPurge.state !== 'unknown');

/** Whether the records tell if there is a backlog: not while they hold a part of its purges alone. */
export function tellBacklog(history: JobHistory<'purge'>, { backlogRuns }: FindingPolicy, now: Date): boolean {
  const last = purgesOf(history, now).slice(0, backlogRuns);
  return last.length === backlogRuns || last.some(({ report }) => leftNothing(report));
}

/** Fewer tell of no trend. */
const leastReadings = 3;

/** Whether figures, the newest first, rise but for chance: of four in five pairs of them the newer one is larger. */
function rises(figures: readonly number[]): boolean {
  const pairs = figures.flatMap((newer, index) => figures.slice(index + 1).map((older) => newer > older));
  return pairs.length > 0 && pairs.filter(Boolean).length >= 0.8 * pairs.length;
}

/**
 * The purges do not keep up: not one of the last ones left nothing, and they leave more than they did. By what each left, not
 * by counts between two of them, which rise and fall with the load; one that dips does not hide it.
 */
export function growingBacklog(purges: readonly Read<PurgeReport>[], backlogRuns: number) {
  const last = purges.slice(0, backlogRuns);
  if (last.length < backlogRuns || last.some(({ report }) => leftNothing(report))) return undefined;
  const left = last.flatMap(({ report }) => report.expiredRemaining ?? []);
  const [newest, oldest] = [left[0], left.at(-1)];
  if (!newest || !oldest || left.length < Math.min(last.length, Math.max(leastReadings, last.length / 2)))
    return undefined;
  if (!rises(left.map(({ count }) => count))) return undefined;
  const reasons = [...new Set(last.map(({ report }) => report.stopReason))].join(', ');
  return {
    what: `The last ${last.length} purges left ${countText(oldest)}, and now ${countText(newest)} expired entries. They stopped by ${reasons}.`,
    advice:
      'Raise PURGE_TIME_BUDGET, lower PURGE_PAUSE_RATIO, or let the purge run more often (SCHEDULE_PURGE). Where the runs stopped by unhealthy, look at the load of the database first.',
    since: last.at(-1)?.at,
  };
}

const dayMs = 86_400_000;

/** The change in a web app that ends its own purge. */
export const appPurgeAdvice =
  'Write `options.ExpiredItemsDeletionInterval = TimeSpan.MaxValue;` in the app: its unbatched DELETE blocks sign-ins. A long interval is not enough, since each process start purges.';

/** When a web app purged the table within the last day, by the newest look that could tell; undefined where that saw no purge. */
export function appPurgeSeen(looks: readonly AppPurge[], now: Date): string | undefined {
  const found = looks.find(({ state }) => state !== 'unknown');
  const isRecent = (at: string) => now.getTime() - Date.parse(at) < dayMs;
  if (found?.state === 'running' && isRecent(found.lastRunAt)) return `last at ${found.lastRunAt}`;
  if (found?.state === 'counted' && found.roseAt && isRecent(found.roseAt))
    return `last shortly before ${found.roseAt}`;
  return undefined;
}
