import { humanDuration, parseDuration } from '../durations.ts';
import { isOff } from '../findingPolicy.ts';
import { endOf, isReal } from '../runs/history.ts';
import { firingsBefore } from '../schedules.ts';
import type { CountsReport } from '../sql/counts.ts';
import type { PurgeReport } from '../sql/purgeReport.ts';
import { countText } from '../sql/summaries.ts';
import { bytesText, countOf } from '../wording.ts';
import { judgeEntryKeys } from './judgeEntryKeys.ts';
import { about, type Judgement, note, warning } from './judgement.ts';
import { type JudgeContext, judgeRuns } from './judgeRuns.ts';
import {
  type Age,
  agesOf,
  appPurgeAdvice,
  appPurgeSeen,
  countsOf,
  growingBacklog,
  purgesOf,
  type Read,
} from './sqlReadings.ts';
import { type SqlCacheRecords, type SubjectRecords, titleOf } from './subjectRecords.ts';

/** What somebody should know of a SQL cache, from its records. */
export function judgeSqlCache(records: SqlCacheRecords, subjects: readonly SubjectRecords[], context: JudgeContext) {
  const purges = purgesOf(records.purge, context.now);
  const counts = countsOf(records.counts);
  const index = missingIndex(records);
  // That the job cannot build the index is not a second finding, nor one by itself where nobody wants to hear of a missing one.
  const failure = records.index.failures[0]?.error;
  const isKnown = !isOff(context.policy, 'index-missing') || failure?.code === 'permission_missing';
  const isTold = index.length > 0 && failure !== undefined && isKnown;
  const judged = [...(isTold ? [] : [records.index]), records.counts, records.clear];
  return about(titleOf(records), [
    ...absentOrBusy(records, context),
    ...judged.flatMap((history) => judgeRuns(history, context)),
    ...backlog(purges, context),
    ...oldestExpired(agesOf(records.purge, records.counts)[0], counts[0], context),
    ...tableSize(counts, context),
    ...index,
    ...appPurge(counts, context),
    ...judgeEntryKeys(records, subjects),
    ...lastPurge(purges[0], index.length > 0),
  ]);
}

function backlog(purges: readonly Read<PurgeReport>[], { policy }: JudgeContext): Judgement[] {
  const growing = growingBacklog(purges, policy.backlogRuns);
  return growing ? warning('backlog-growing', growing.what, growing.advice, growing.since) : [];
}

/** A purge that is absent since the lock is held is one finding, which says who holds it. */
function absentOrBusy({ purge }: SqlCacheRecords, context: JudgeContext): Judgement[] {
  const [absence, ...others] = judgeRuns(purge, context);
  const [held] = busy(purge, context);
  if (absence?.check === 'purge-absent' && held)
    return [{ ...absence, what: `${absence.what} ${held.what}`, advice: held.advice }, ...others];
  return [...(absence ? [absence] : []), ...others, ...(held ? [held] : [])];
}

/** Intervals of the timer after which the holder of a lock is not just a run that takes a little longer. */
const busyIntervals = 2;

const ending = { sqlserver: '`KILL` with its number', postgres: '`SELECT pg_terminate_backend(PID)`' };

/** Purge after purge finds the table's lock held: by a run that hangs, or a session that a killed one left. */
function busy({ runs }: SqlCacheRecords['purge'], { now, timerOf }: JudgeContext): Judgement[] {
  const timer = timerOf('purge');
  const real = runs.filter(({ dryRun }) => !dryRun);
  const other = real.findIndex(({ outcome }) => outcome !== 'skipped');
  const found = other < 0 ? real : real.slice(0, other);
  const [newest, oldest] = [found[0], found.at(-1)];
  if (!timer || !newest || !oldest || found.length <= busyIntervals) return [];
  const since = Date.parse(oldest.startedAt);
  if (since > (firingsBefore(timer.schedule, now.getTime(), busyIntervals).at(-1) ?? 0) + timerJitterMs) return [];
  const heldBy = newest.report && !newest.report.dryRun ? newest.report.heldBy : null;
  return warning(
    'purge-busy',
    `The last ${found.length} purges found the table's lock held for ${humanDuration(now.getTime() - since)}${heldBy ? `, at last by ${heldBy}` : ''}.`,
    `See whether a run is at work (GET /api/status). If none is, end the session that holds the lock${newest.report ? `: ${ending[newest.report.engine]}` : ''}.`,
    oldest.startedAt,
  );
}

/** A timer may fire a moment after its time. */
const timerJitterMs = 30_000;

/** By the newest reading that tells it: one that is missing, or found no answer in time, resolves nothing. */
function oldestExpired(
  newest: Age | undefined,
  counts: Read<CountsReport> | undefined,
  { policy, now }: JudgeContext,
): Judgement[] {
  const ageMs = newest?.age ? (parseDuration(newest.age) ?? 0) : 0;
  if (!newest || ageMs <= policy.oldestExpiredMs) return [];
  const expired = counts?.report.expired;
  return warning(
    'oldest-expired',
    `The oldest expired entry expired ${humanDuration(ageMs)} before it was last seen, ${humanDuration(now.getTime() - newest.at)} ago.${expired ? ` ${countText(expired)} expired entries were counted.` : ''}`,
    'See why the last purges stopped (GET /api/status). Where they skipped locked entries, a session holds rows open: end it.',
    new Date(Math.min(now.getTime(), Math.max(0, newest.at - ageMs + policy.oldestExpiredMs))).toISOString(),
  );
}

function tableSize(counts: readonly Read<CountsReport>[], { policy }: JudgeContext): Judgement[] {
  const known = counts.find(({ report }) => report.dataBytes !== null);
  const bytes = (known?.report.dataBytes ?? 0) + (known?.report.indexBytes ?? 0);
  if (bytes <= policy.tableSizeBytes) return [];
  return warning(
    'table-size',
    `The table and its indexes take ${bytesText(bytes)}.`,
    'See whether the purge keeps up, then whether entries are too large or live too long. Where this is usual here, raise FINDING_TABLE_SIZE.',
  );
}

/**
 * By the newest run that knows it: of the index job, or of a purge, which looks after the index first. The job fails where it
 * lacks the right to build the index: whether there is one, it may see without any.
 */
function missingIndex({ index, purge }: SqlCacheRecords): Judgement[] {
  const known = [
    ...index.runs.filter(isReal).map((run) => ({
      run,
      isMissing: run.report ? run.report.outcome === 'missing' : run.error?.code === 'permission_missing' || undefined,
    })),
    ...purge.runs.filter(isReal).map((run) => ({
      run,
      // `busy`: another run is at work on it, and what comes of that is not known.
      isMissing:
        !run.report || run.report.dryRun || run.report.index === 'busy' ? undefined : run.report.index === 'missing',
    })),
  ]
    .filter(({ isMissing }) => isMissing !== undefined)
    .sort((a, b) => endOf(b.run) - endOf(a.run));
  if (!known[0]?.isMissing) return [];
  const sinceIndex = known.findIndex(({ isMissing }) => !isMissing);
  const first = sinceIndex < 0 ? known.at(-1) : known[sinceIndex - 1];
  const error = index.failures[0]?.error;
  // What a run that may not build it says, with the statement for whoever may.
  const told = index.runs.find(({ report }) => report?.outcome === 'missing')?.report?.warnings;
  return warning(
    'index-missing',
    `No usable index leads with the expiry${error ? ', and none could be built' : ''}: each purge reads the whole table.${error ? ` ${error.message}` : ''}`,
    error?.advice ??
      told?.at(-1) ??
      'Create the index once yourself, or give the identity the right to: docs/reference/rights.md has the statements.',
    first?.run.startedAt,
  );
}

function appPurge(counts: readonly Read<CountsReport>[], { now }: JudgeContext): Judgement[] {
  const seen = appPurgeSeen(
    counts.map(({ report }) => report.appPurge),
    now,
  );
  if (!seen) return [];
  return warning('app-purge', `A web app still deletes expired entries of this table itself, ${seen}.`, appPurgeAdvice);
}

/** @param withoutIndex that is told by itself */
function lastPurge(last: Read<PurgeReport> | undefined, withoutIndex: boolean): Judgement[] {
  if (!last) return [];
  const { report, at } = last;
  const readings = report.waits.loadReasons.join('; ');
  const warnings = report.warnings.filter((what) => !(withoutIndex && /\bexpiry index\b/i.test(what)));
  return [
    ...(report.stopReason === 'unhealthy'
      ? warning(
          'database-load',
          `The database was above a load limit until the purge's time was up${readings ? `: ${readings}` : ''}.`,
          'Move the purge to a quieter hour (SCHEDULE_PURGE), or raise the load limits.',
          at,
        )
      : []),
    ...report.kept.flatMap(({ entries, cause, advice }) => {
      const left = entries === null ? '' : `The purge leaves ${countOf(entries, 'expired entry', 'expired entries')}: `;
      return warning('rows-kept', `${left}${cause}`, advice, at);
    }),
    ...warnings.flatMap((what) =>
      note('purge-warning', what, 'docs/reference/rights.md has the rights that a purge needs.', at),
    ),
  ];
}
