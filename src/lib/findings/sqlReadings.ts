import type { FindingPolicy } from '../findingPolicy.ts';
import { endOf, isReal, type JobHistory } from '../runs/history.ts';
import { joinParts } from '../runs/sumOfParts.ts';
import type { AppPurge } from '../sql/cacheTable.ts';
import type { CountsReport } from '../sql/counts.ts';
import type { PurgeReport } from '../sql/purgeReport.ts';

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
export function leftNothing(report: PurgeReport): boolean {
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

/** Whether the records hold a reading of the oldest expired entry. */
export const tellAge = (history: JobHistory<'counts'>) => countsOf(history).some(({ report }) => isAge(report));

/** Whether the records tell if there is a backlog: not while they hold a part of its purges alone. */
export function tellBacklog(history: JobHistory<'purge'>, { backlogRuns }: FindingPolicy, now: Date): boolean {
  const last = purgesOf(history, now).slice(0, backlogRuns);
  return last.length === backlogRuns || last.some(({ report }) => leftNothing(report));
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
