import { parseDuration } from '../durations.ts';
import type { RunRecord } from '../runs/recordStore.ts';
import { countText } from '../sqlCache/summaries.ts';
import type { CacheRuns } from './cacheView.ts';
import type { Finding } from './finding.ts';
import { type Purge, readCounts, readIndex, readPurge } from './reports.ts';
import { durationText } from './wording.ts';

/** What somebody should know of a SQL cache, from its records. `purgeEveryMs` is the interval of the purge's timer. */
export function cacheFindings(runs: CacheRuns, purgeEveryMs: number): Finding[] {
  return [
    ...[runs.purge, runs.index, runs.counts].flatMap(failure),
    ...lastPurge(runs),
    ...backlog(runs, purgeEveryMs),
    ...missingIndex(runs),
  ];
}

/** A job whose newest run failed, and for how many runs it has. */
export function failure(records: readonly RunRecord[]): Finding[] {
  const succeeded = records.findIndex(({ outcome }) => outcome !== 'failed');
  const failed = succeeded < 0 ? records : records.slice(0, succeeded);
  const [newest] = failed;
  if (!newest) return [];
  const { code, message, advice } = newest.error ?? {
    code: 'unknown',
    message: 'Its record holds no error.',
    advice: 'Look at its log.',
  };
  const times = failed.length === 1 ? 'failed last time' : `failed ${failed.length} times in a row`;
  return [
    {
      level: 'warning',
      subject: `${newest.job} on ${newest.cache}`,
      what: `It ${times} (${code}): ${message}`,
      advice,
      since: failed.at(-1)?.startedAt ?? null,
    },
  ];
}

function lastPurge({ name, purge }: CacheRuns): Finding[] {
  const last = purge.find((record) => readPurge(record));
  const report = readPurge(last);
  const subject = `purge on ${name}`;
  if (!last || !report) return [];
  const since = last.startedAt;
  const warnings = report.warnings.map(
    (what): Finding => ({
      level: 'info',
      subject,
      what,
      advice: 'docs/operations.md explains what a purge reports, and the rights that it needs.',
      since,
    }),
  );
  if (report.stopReason !== 'unhealthy') return warnings;
  const readings = report.waits.loadReasons.join('; ');
  return [
    {
      level: 'warning',
      subject,
      what: `The database was above a load limit until the run's time was up${readings ? `: ${readings}` : ''}.`,
      advice: 'Move the purge to a quieter hour (SCHEDULE_PURGE), or raise the load limits.',
      since,
    },
    ...warnings,
  ];
}

const hourMs = 3_600_000;

/** Entries that expired long ago are still there, though the purge has had its turn. */
function backlog({ name, purge, counts }: CacheRuns, purgeEveryMs: number): Finding[] {
  const latest = readCounts(counts[0]);
  const ageMs = latest?.oldestExpiredAge ? parseDuration(latest.oldestExpiredAge) : undefined;
  if (!latest || ageMs === undefined || ageMs <= Math.max(2 * hourMs, 2 * purgeEveryMs)) return [];
  const what = `${countText(latest.expired)} expired entries are left; the oldest expired ${durationText(latest.oldestExpiredAge ?? '')} ago.`;
  const reports = purge.flatMap((record) => readPurge(record) ?? []);
  const common = { subject: `Backlog of ${name}`, what, since: null };
  if (reports.length === 0) {
    return [{ ...common, level: 'warning', advice: 'No purge is recorded: see whether its timer fires.' }];
  }
  return [
    fallsBehind(reports)
      ? {
          ...common,
          level: 'warning',
          advice:
            'The purge does not keep up: raise PURGE_TIME_BUDGET, lower PURGE_PAUSE_RATIO, or let it run more often.',
        }
      : { ...common, level: 'info', advice: 'Nothing, while it falls from run to run.' },
  ];
}

/** The age after the newest run is not below the age after the runs before it. */
function fallsBehind(reports: readonly Purge[]): boolean {
  const [newest, ...earlier] = reports.slice(0, 6).map(({ oldestExpiredAge }) => ageOf(oldestExpiredAge.after));
  const before = earlier.at(-1) ?? ageOf(reports[0]?.oldestExpiredAge.before ?? null);
  return newest !== undefined && newest > 0 && newest >= before;
}

const ageOf = (age: string | null) => (age === null ? 0 : (parseDuration(age) ?? 0));

function missingIndex({ name, index }: CacheRuns): Finding[] {
  const outcome = readIndex(index[0])?.outcome;
  if (outcome !== 'missing') return [];
  return [
    {
      level: 'warning',
      subject: `Expiry index of ${name}`,
      what: 'The table has none, and it could not be built: each purge reads the whole table.',
      advice: 'Create it once yourself, or give the identity the right to: docs/operations.md has the statements.',
      since: index[0]?.startedAt ?? null,
    },
  ];
}
