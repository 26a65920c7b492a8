import { type Check, checksOf, critical, type Evidence, pass, unknown, warning } from '../../../checks/check.ts';
import { humanDuration } from '../../../durations.ts';
import type { RunRecord } from '../../../runs/runRecord.ts';
import { earlierLooks, withRise } from '../../../sql/appPurgeRise.ts';
import { hindranceOf } from '../../../sql/ensureExpiryIndex.ts';
import { bytesText, percentText } from '../../../wording.ts';
import { appPurgeAdvice, appPurgeSeen, countsOf, growingBacklog, purgesOf } from '../../sqlReadings.ts';
import type { SqlSubject } from '../subjects/sqlSubject.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** Rows counted at most: more are a backlog, however many. */
const countedRows = 5_000;
const countLimitMs = 3_000;
const enoughGrowthMs = 6 * hour;

const sizeRight = {
  sqlserver: 'GRANT VIEW DATABASE STATE to the user, or look at the size of the database in the portal.',
  postgres: 'Look at `SELECT pg_database_size(current_database())`, or at the storage of the server in the portal.',
};

/** What lets a SQL table grow. */
export const sqlGrowthChecks = checksOf<SqlSubject>('growth', 20_000, {
  'expired-backlog': async (subject) => {
    const { expired, oldestAgeMs, sampled } = await expiredOf(subject);
    const history = await subject.history('purge', Math.max(20, subject.backlogRuns));
    const purge = history.failures[0] ?? history.lastSuccess;
    const growing = growingBacklog(purgesOf(history, (await subject.clocks()).server), subject.backlogRuns);
    const evidence: Evidence[] = [
      {
        what: sampled ? 'expired entries (estimate)' : `expired entries (counted up to ${countedRows})`,
        value: expired,
      },
      ...(oldestAgeMs > 0 ? [{ what: 'oldest expired for', value: Math.round(oldestAgeMs / 1000), unit: 's' }] : []),
      ...(purge ? [{ what: 'last purge', value: purge.startedAt }] : []),
    ];
    // The apps' own purge comes every 30 minutes, this tool's by its timer.
    const limit = Math.max(2 * hour, 2 * subject.purgeEveryMs);
    if (oldestAgeMs <= limit && growing)
      return warning({ cause: 'backlog_growing', what: growing.what, evidence, advice: growing.advice });
    if (oldestAgeMs <= limit) return pass('Expired entries are removed in time.', evidence);
    const trouble = {
      cause: purge?.outcome === 'failed' ? 'purge_fails' : 'expired_backlog',
      what: `${expired >= countedRows && !sampled ? `At least ${countedRows}` : expired} expired entries are left, the oldest for ${humanDuration(oldestAgeMs)}.${
        purge?.error ? ` The last purge failed (${purge.error.code}).` : purge ? '' : ' No purge is recorded here.'
      }`,
      evidence,
      advice: `\`token-cache purge --cache ${subject.name}\` deletes them now (\`--dry-run\` says how many). Look why the timer did not: at the runs of \`purgeExpiredEntries\` (stopReason), and at the check expiry-index.`,
    };
    return oldestAgeMs > 7 * day ? critical(trouble) : warning(trouble);
  },
  'expiry-index': async (subject) => {
    const state = await subject.index();
    const evidence: Evidence[] = [{ what: 'state', value: state.kind }];
    if (state.kind === 'present') return pass(`The expiry index is there (${state.name}).`, evidence);
    if (state.kind === 'building') return pass('The expiry index is being built.', evidence);
    return critical({
      cause: `expiry_index_${state.kind}`,
      what:
        state.kind === 'missing'
          ? "No usable index leads with the expiry: each purge, the apps' own as well, reads the whole table."
          : `The expiry index ${state.name} is ${state.kind}: it is of no use as it stands.`,
      evidence,
      advice:
        (await hindranceOf(await subject.table(), { mode: subject.indexMode }, state)) ??
        `\`token-cache index --cache ${subject.name}\` creates, resumes or rebuilds it, online where the server can.`,
    });
  },
  'size-limit': async (subject) => {
    const [{ sizeLimitBytes: limit, databaseBytes }, { dataBytes, indexBytes }] = [
      await subject.schema(),
      await subject.catalogue(),
    ];
    const table = dataBytes === undefined ? undefined : dataBytes + (indexBytes ?? 0);
    const perDay = growthPerDay((await subject.history('counts', 500)).runs);
    const evidence: Evidence[] = [
      ...(table === undefined ? [] : [{ what: 'size of the table', value: table, unit: 'B' }]),
      ...(databaseBytes === undefined ? [] : [{ what: 'size of the database', value: databaseBytes, unit: 'B' }]),
      ...(limit ? [{ what: 'limit of the database', value: limit, unit: 'B' }] : []),
      ...(perDay === undefined ? [] : [{ what: 'growth by the run records', value: Math.round(perDay), unit: 'B/d' }]),
    ];
    const tableText = table === undefined ? 'an unknown size' : bytesText(table);
    if (!limit)
      return table === undefined
        ? unknown(
            'size_unknown',
            'The server tells neither the size of the table nor a limit.',
            sizeRight[subject.engine],
            evidence,
          )
        : pass(`The table has ${tableText}; this server names no limit.`, evidence);
    // The limit is that of the database, and others may share it.
    if (databaseBytes === undefined)
      return unknown(
        'size_unknown',
        `The database may have ${bytesText(limit)}, and the server does not tell how much of that is used (the table has ${tableText}).`,
        sizeRight[subject.engine],
        evidence,
      );
    const daysLeft = perDay !== undefined && perDay > 0 ? (limit - databaseBytes) / perDay : undefined;
    if (daysLeft !== undefined)
      evidence.push({ what: 'days until full', value: Math.round(daysLeft * 10) / 10, unit: 'd' });
    const share = databaseBytes / limit;
    const size = `The database has ${bytesText(databaseBytes)} of ${bytesText(limit)}`;
    if (share < 0.8 && (daysLeft === undefined || daysLeft > 14))
      return pass(`${size} (${percentText(100 * share)}), the table ${tableText}.`, evidence);
    const trouble = {
      cause: share >= 0.8 ? 'near_size_limit' : 'full_soon',
      what: `${size}, the table ${tableText}${daysLeft === undefined ? '' : `; at this pace it is full in ${Math.max(0, Math.round(daysLeft))} days`}.`,
      evidence,
      advice:
        'Purge what has expired, shorten the expiry of the entries, or raise the size limit of the database before that.',
    };
    return share >= 0.95 || (daysLeft !== undefined && daysLeft < 3) ? critical(trouble) : warning(trouble);
  },
});

const statistics = {
  sqlserver: 'Switch Query Store on',
  postgres: 'GRANT pg_read_all_stats to the user and CREATE EXTENSION pg_stat_statements',
};

/** What the server's statistics, now and at the last counts, know of the purge that the library runs from within a web app. */
export const appPurgeCheck: Check<SqlSubject> = {
  id: 'app-purge',
  symptom: 'growth',
  timeLimitMs: 20_000,
  run: async (subject) => {
    const [table, { server }] = [await subject.table(), await subject.clocks()];
    const earlier = countsOf(await subject.history('counts', earlierLooks)).map(({ report }) => report);
    const found = withRise({ at: server.toISOString(), appPurge: await table.appPurge() }, earlier);
    const seen = appPurgeSeen([found, ...earlier.map(({ appPurge }) => appPurge)], server);
    const evidence: Evidence[] = [
      { what: 'state', value: found.state },
      ...('runs' in found ? [{ what: 'runs that are kept', value: found.runs }] : []),
      ...('longest' in found ? [{ what: 'longest run', value: found.longest }] : []),
    ];
    if (seen)
      return warning({
        cause: 'app_purge_runs',
        what: `A web app still deletes expired entries itself, ${seen}: in one statement, in the middle of its requests.`,
        evidence,
        advice: `${appPurgeAdvice} Do so once this project purges the table.`,
      });
    if (found.state === 'unknown' || (found.state === 'counted' && earlier.length === 0))
      return unknown(
        'app_purge_unknown',
        found.state === 'unknown'
          ? `It is not known whether a web app purges this table itself: ${found.reason}.`
          : 'A web app has deleted expired entries itself; whether it still does, a later look tells once entries were counted.',
        `${statistics[subject.engine]}, or look at the code: \`--app\`.`,
        evidence,
      );
    return pass('No web app is seen to purge this table itself.', evidence);
  },
};

/** Counted along the index where there is one; else from the sample, since a count would read the whole table. */
async function expiredOf(subject: SqlSubject): Promise<{ expired: number; oldestAgeMs: number; sampled: boolean }> {
  const [table, { server }, state] = [await subject.table(), await subject.clocks(), await subject.index()];
  if (state.kind === 'present') {
    const expired = await table.figures.countUpTo({ before: server }, countedRows, countLimitMs);
    const oldest = await table.figures.oldestExpiry(countLimitMs);
    if (expired !== undefined)
      return { expired, oldestAgeMs: Math.max(0, oldest ? server.getTime() - oldest.getTime() : 0), sampled: false };
  }
  const { entries, total } = await subject.entries();
  const expired = entries.filter(({ expiresAt }) => expiresAt && expiresAt < server);
  const ages = expired.map(({ expiresAt }) => server.getTime() - (expiresAt?.getTime() ?? 0));
  const share = entries.length > 0 ? expired.length / entries.length : 0;
  return {
    expired: Math.round(share * Math.max(total ?? 0, entries.length)),
    oldestAgeMs: Math.max(0, ...ages),
    sampled: true,
  };
}

/** Bytes a day between the oldest and the newest record that tell the size; undefined over too short a time. */
function growthPerDay(records: readonly RunRecord<'counts'>[]): number | undefined {
  const points = records.flatMap(({ startedAt, report }) =>
    report && report.dataBytes !== null
      ? [{ at: Date.parse(startedAt), bytes: report.dataBytes + (report.indexBytes ?? 0) }]
      : [],
  );
  const [newest, oldest] = [points[0], points.at(-1)];
  if (!newest || !oldest || newest.at - oldest.at < enoughGrowthMs) return undefined;
  return ((newest.bytes - oldest.bytes) / (newest.at - oldest.at)) * day;
}
