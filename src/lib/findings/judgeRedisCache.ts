import { eventChecks, unreachableCheck } from '../redis/rules/rules.ts';
import type { WatchReport } from '../redis/watchReport.ts';
import { isReal } from '../runs/history.ts';
import type { Finding } from './finding.ts';
import { type JudgeContext, judgeRuns } from './judgeRuns.ts';
import type { RedisCacheRecords } from './subjectRecords.ts';

/** What happened between two looks is told for so long, since the next look no longer sees it. */
const eventMs = 1_800_000;

type Found = WatchReport['findings'][number];

/** What somebody should know of a Redis cache: the findings of its newest look, and the jobs that look after it. */
export function judgeRedisCache({ name, redis, clear }: RedisCacheRecords, context: JudgeContext): Finding[] {
  const subject = `cache ${name}`;
  const looks = redis.runs.filter((run) => isReal(run) && run.report);
  const [newest, before] = looks.map(({ report }) => report?.findings ?? []);
  const recent = looks
    .filter(({ startedAt }) => context.now.getTime() - Date.parse(startedAt) <= eventMs)
    .flatMap(({ report }) => report?.findings.filter(({ check }) => eventChecks.has(check)) ?? []);
  const standing = new Map([...(newest ?? []), ...recent].reverse().map((found) => [keyOf(found), found]));
  return [
    ...[redis, clear].flatMap((history) => judgeRuns(history, subject, context)),
    ...[...standing.values()].reverse().map((found) => ({
      check: found.check,
      level: isFirstMiss(found, before) ? ('info' as const) : found.level,
      subject,
      what: found.node === null ? found.what : `${found.node}: ${found.what}`,
      advice: found.advice,
      since: found.since,
    })),
  ];
}

const keyOf = ({ check, node }: Found) => `${check}|${node ?? ''}`;

/** A node that one look does not reach may be back at the next, minutes later. */
function isFirstMiss(found: Found, before: readonly Found[] | undefined): boolean {
  return (
    found.check === unreachableCheck &&
    before !== undefined &&
    !before.some(({ check, node }) => check === unreachableCheck && node === found.node)
  );
}
