/** What is said of a Redis cache by the looks at it. */
import { describe, expect, it } from 'vitest';
import { eventChecks, unreachableCheck, watchCheckNames } from '../../../src/lib/redis/rules/rules.ts';
import type { WatchFinding } from '../../../src/lib/redis/watchReport.ts';
import type { RunRecord } from '../../../src/lib/runs/runRecord.ts';
import { ago, hour, judged, minute, standing } from '../../support/judging.ts';
import { failed, record, redisCache, watchFinding, watchReport } from '../../support/records.ts';

/** Checks that tell of what is so, not of what happened; a first miss of a node has tests of its own. */
const lasting = watchCheckNames.filter((check) => !eventChecks.has(check) && check !== unreachableCheck);

const look = (minutesAgo: number, findings: WatchFinding[] = [], changes: Partial<RunRecord<'redis'>> = {}) =>
  record('redis', 'sessions', ago(minutesAgo * minute), { report: watchReport({ findings }), ...changes });
const of = (...looks: RunRecord<'redis'>[]) => judged(redisCache('sessions', { redis: looks }));
const unreachable = (node?: string) => watchFinding(unreachableCheck, node === undefined ? {} : { node });

describe('a Redis cache', () => {
  it.each(lasting)('is judged by its newest look: %s', (check) => {
    const found = watchFinding(check, { level: 'critical' });
    expect(of(look(2, [found]), look(7))).toEqual([`${check} critical`]);
    expect(of(look(2), look(7, [found]))).toEqual([]);
    expect(standing(redisCache('sessions', { redis: [look(2, [found]), look(7, [found])] }))).toMatchObject([
      { check, subject: 'cache sessions', what: `${found.node}: Something was seen.`, since: found.since },
    ]);
  });

  it.each([...eventChecks])('is told of for half an hour by what happened between two looks: %s', (check) => {
    const event = watchFinding(check);
    const quiet = (...minutes: number[]) => minutes.map((each) => look(each));
    expect(of(look(1, [event]), look(6))).toEqual([`${check} critical`]);
    expect(of(...quiet(1, 6, 11, 16, 21), look(26, [event]))).toEqual([`${check} critical`]);
    expect(of(...quiet(1, 6, 11, 16, 21, 26), look(31, [event]))).toEqual([]);
  });

  it('is told once of one event of one node, by the newest look that saw it', () => {
    const [one, other] = ['a:6380', 'b:6380'].map((node) => watchFinding('redis-evictions', { node }));
    const later = watchFinding('redis-evictions', { node: 'a:6380', level: 'warning' });
    expect(of(look(1, [later]), look(6, one && other && [one, other]), look(11, one && [one]))).toEqual([
      'redis-evictions critical',
      'redis-evictions warning',
    ]);
  });

  it('keeps what its newest look saw, however old that is; that none comes is told as well', () => {
    expect(of(look(180, [watchFinding('clusterSlots'), watchFinding('refusedWrites')]))).toEqual([
      'clusterSlots critical',
      'refusedWrites critical',
      'watch-absent warning',
    ]);
  });

  it('is not changed by a look that failed, was stopped or a dry run', () => {
    const found = look(10, [watchFinding('redis-memory-critical')]);
    const { report: _, ...bare } = look(5);
    expect(of({ ...bare, ...failed() }, found)).toEqual(['redis-memory-critical critical', 'job-failures info']);
    expect(of({ ...bare, ...failed('watch_aborted'), outcome: 'aborted' }, found)).toEqual([
      'redis-memory-critical critical',
    ]);
    expect(of(look(5, [], { dryRun: true }), found)).toEqual(['redis-memory-critical critical']);
    expect(of(look(5, [watchFinding('redis-memory-critical')], { dryRun: true }), look(10))).toEqual([]);
  });

  it('is judged by when a look began, though it comes late', () => {
    expect(of(look(10, [watchFinding('redis-memory-critical')]), look(5))).toEqual([]);
    expect(of(look(5, [watchFinding('redis-memory-critical')]), look(10))).toEqual(['redis-memory-critical critical']);
  });
});

describe('a node that is not reached', () => {
  it('is a note at the first look that misses it, and critical at the second', () => {
    expect(of(look(1, [unreachable()]), look(6))).toEqual(['redis-unreachable info']);
    expect(of(look(1, [unreachable()]), look(6, [unreachable()]), look(11))).toEqual(['redis-unreachable critical']);
    expect(of(look(1), look(6, [unreachable()]))).toEqual([]);
  });

  it('is a note also where another node is missed for longer', () => {
    const [a, b] = [unreachable('a:6380'), unreachable('b:6380')];
    expect(of(look(1, [a, b]), look(6, [a]))).toEqual(['redis-unreachable critical', 'redis-unreachable info']);
  });

  it('is critical where it is away at every second look, until it stays', () => {
    // `x` did not reach it, `.` did, the newest first.
    const looks = (states: string, env = {}) =>
      standing(
        redisCache('sessions', {
          redis: [...states].map((state, index) => look(index * 5 + 1, state === 'x' ? [unreachable()] : [])),
        }),
        {},
        env,
      ).map(({ check, level, what }) => `${check} ${level} ${what.replace(/^\S+: /, '')}`);
    const flapping = (missed: number, of: number) =>
      `redis-unreachable critical ${missed} of the last ${of} looks did not reach it. Something was seen.`;
    expect(looks('x.x.')).toEqual(['redis-unreachable info Something was seen.']);
    expect(looks('x.x.x.')).toEqual([flapping(3, 6)]);
    expect(looks('.x.x.x.')).toEqual([flapping(3, 7)]);
    expect(looks('xx.x.x.')).toEqual(['redis-unreachable critical Something was seen.']);
    // One long absence is over when it is over, and so is a time of coming and going.
    expect(looks('.xxxxxxxxx.')).toEqual([]);
    expect(looks('........x.x.x.')).toEqual([]);
    // What is a note for once stays one.
    const env = { FINDING_LEVELS: 'redis-unreachable=critical' };
    expect(looks('x.', env)).toEqual(['redis-unreachable info Something was seen.']);
    expect(looks('x.x.x.', { FINDING_LEVELS: 'redis-unreachable=warning' })).toEqual([
      flapping(3, 6).replace('critical', 'warning'),
    ]);
  });

  it('comes and goes by itself: another node that does is another finding', () => {
    const [a, b] = [unreachable('a:6380'), unreachable('b:6380')];
    expect(of(look(1, [a]), look(6, [b]), look(11, [a]), look(16, [b]), look(21, [a]), look(26))).toEqual([
      'redis-unreachable critical',
    ]);
  });

  it('is critical at once where no look ever reached it', () => {
    expect(of(look(1, [unreachable()]))).toEqual(['redis-unreachable critical']);
  });

  it('is not made a first miss by looks that say nothing', () => {
    const { report: _, ...bare } = look(3);
    expect(of(look(1, [unreachable()]), { ...bare, ...failed() }, look(6, [unreachable()]))).toEqual([
      'redis-unreachable critical',
    ]);
  });
});

it('a clear that failed is told for a day', () => {
  const clear = (ageMs: number) => record('clear', 'sessions', ago(ageMs), failed('redis_unreachable'));
  const cache = (ageMs: number) => redisCache('sessions', { redis: [look(1)], clear: [clear(ageMs)] });
  expect([judged(cache(hour)), judged(cache(25 * hour))]).toEqual([['job-failures warning'], []]);
});
