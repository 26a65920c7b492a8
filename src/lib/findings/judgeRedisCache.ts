import { eventChecks, unreachableCheck } from '../redis/rules/rules.ts';
import type { WatchReport } from '../redis/watchReport.ts';
import type { Finding } from './finding.ts';
import { about } from './judgement.ts';
import { flapRuns, isFlapping, type JudgeContext, judgeRuns } from './judgeRuns.ts';
import { eventMs, looksOf } from './redisLooks.ts';
import { historiesOf, type RedisCacheRecords, titleOf } from './subjectRecords.ts';

type Found = WatchReport['findings'][number];

/** What somebody should know of a Redis cache: the findings of its newest look, and the jobs that look after it. */
export function judgeRedisCache(records: RedisCacheRecords, context: JudgeContext): Finding[] {
  const looks = looksOf(records.redis);
  const flapping = flappingNodes(looks.slice(0, flapRuns).map(({ findings }) => findings));
  const [newest, before] = looks.map(({ findings }) => findings);
  const recent = looks
    .filter(({ at }) => context.now.getTime() - at <= eventMs(context.policy, context.now))
    .flatMap(({ findings }) => findings.filter(({ check }) => eventChecks.has(check)));
  const seen = (newest ?? []).map((found) =>
    isFirstMiss(found, before) ? { ...found, level: 'info' as const } : found,
  );
  const standing = new Map([...flapping, ...seen, ...recent].reverse().map((found) => [keyOf(found), found]));
  return about(titleOf(records), [
    ...historiesOf(records).flatMap((history) => judgeRuns(history, context)),
    ...[...standing.values()].reverse().map(({ check, level, node, what: told, advice, since }) => {
      const what = node === null ? told : `${node}: ${told}`;
      return { check, level, what, advice, since };
    }),
  ]);
}

const keyOf = ({ check, node }: Found) => `${check}|${node ?? ''}`;

/** A node that one look does not reach may be back at the next, minutes later. */
function isFirstMiss(found: Found, before: readonly Found[] | undefined): boolean {
  return (
    found.check === unreachableCheck && before !== undefined && !before.some((each) => keyOf(each) === keyOf(found))
  );
}

/** Nodes that looks reach and do not reach in turn: as their last miss, though the newest look reached them. */
function flappingNodes(looks: readonly (readonly Found[])[]): Found[] {
  const misses = looks.map((findings) => findings.filter(({ check }) => check === unreachableCheck));
  const last = new Map(misses.toReversed().flatMap((found) => found.map((each) => [keyOf(each), each])));
  return [...last].flatMap(([key, found]) => {
    const missed = misses.map((each) => each.some((miss) => keyOf(miss) === key));
    // Where the last two looks missed it, the newest one tells how it is.
    if (!isFlapping(missed) || (missed[0] && missed[1])) return [];
    const count = missed.filter(Boolean).length;
    return { ...found, what: `${count} of the last ${looks.length} looks did not reach it. ${found.what}` };
  });
}
