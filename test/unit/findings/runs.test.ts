/** What is said of a job by whether it succeeds, fails, or does not run at all. */
import { describe, expect, it } from 'vitest';
import type { Judged } from '../../../src/lib/findings/judge.ts';
import type { RunRecord } from '../../../src/lib/runs/runRecord.ts';
import { ago, day, hour, judged, minute, now, soundKeyRing, soundSqlCache, standing } from '../../support/judging.ts';
import {
  countsReport,
  failed,
  leftBehind,
  purgePlan,
  purgeReport,
  record,
  redisCache,
  sqlCache,
  watchReport,
} from '../../support/records.ts';

const purge = (minutesAgo: number, changes: Partial<RunRecord<'purge'>> = {}) =>
  record('purge', 'web', ago(minutesAgo * minute), { report: purgeReport(), ...changes });
const ofPurges = (purges: RunRecord<'purge'>[], changes: Partial<Judged> = {}, env: Record<string, string> = {}) =>
  judged(soundSqlCache({ purge: purges }), changes, env);

/** Runs that say nothing of how the job fares. */
const silent = {
  'a dry run': { dryRun: true, report: purgePlan() },
  'a dry run that failed': { dryRun: true, ...failed('database_unavailable') },
  'a refused run': { outcome: 'refused', error: failed().error },
  'a run that found another at work': { outcome: 'skipped', report: purgeReport({ stopReason: 'busy' }) },
  'a run that was stopped': { outcome: 'aborted', report: leftBehind(7, { stopReason: 'aborted' }) },
} satisfies Record<string, Partial<RunRecord<'purge'>>>;
const ofSilent = Object.entries(silent) as [string, Partial<RunRecord<'purge'>>][];

describe('a job that fails', () => {
  it('is one finding, however often, until it succeeds', () => {
    expect(ofPurges([purge(10, failed()), purge(40)])).toEqual(['job-failures warning']);
    const purges = [purge(10, failed()), purge(40, failed('login_failed')), purge(70)];
    expect(standing(soundSqlCache({ purge: purges }))).toMatchObject([
      {
        check: 'job-failures',
        subject: 'cache web',
        what: 'The job purge failed 2 times in a row (firewall). Not let in.',
        advice: 'Let it in.',
        since: ago(40 * minute).toISOString(),
      },
    ]);
    expect(ofPurges([purge(5), ...purges])).toEqual([]);
  });

  it.each(ofSilent)('is not fixed by %s, and %s is not a failure', (_name, changes) => {
    expect(ofPurges([purge(5, changes), purge(10, failed()), purge(40)])).toEqual(['job-failures warning']);
    expect(ofPurges([purge(5, changes), purge(10)])).toEqual([]);
    expect(ofPurges([purge(5, changes), purge(15, changes), purge(25)])).toEqual([]);
  });

  it('is judged by when its runs began, though an instance in parallel tells late', () => {
    const late = purge(35, failed());
    for (const purges of [
      [purge(5), late],
      [late, purge(5)],
    ])
      expect(ofPurges(purges)).toEqual([]);
    const success = purge(35);
    expect(ofPurges([success, purge(5, failed())])).toEqual(['job-failures warning']);
  });

  it('is judged alike, whatever the order of two runs that began at once', () => {
    const [one, other] = [purge(10, failed()), purge(10)];
    expect(ofPurges([one, other])).toEqual(ofPurges([other, one]));
  });

  it('fails once where one record is read twice', () => {
    const run = purge(10, failed());
    expect(standing(soundSqlCache({ purge: [run, purge(40), run] }))[0]?.what).toContain('failed last time');
  });

  it('is told for a day where somebody asked for it, and no timer does', () => {
    const rewrap = (ageMs: number) =>
      judged(soundKeyRing({ rewrapKeyRing: [record('rewrapKeyRing', 'web', ago(ageMs), failed())] }));
    expect([rewrap(23 * hour), rewrap(25 * hour)]).toEqual([['rotation-failed warning'], []]);
    const env = { 'AzureWebJobs.purgeExpiredEntries.Disabled': 'true' };
    expect(ofPurges([purge(60, failed())], {}, env)).toEqual(['job-failures warning']);
    expect(ofPurges([purge(25 * 60, failed())], {}, env)).toEqual([]);
  });

  it('and only looks is a note at the first time: it looks again in a few minutes', () => {
    const looks = (failures: number) =>
      redisCache('sessions', {
        redis: Array.from({ length: 4 }, (_, index) =>
          record('redis', 'sessions', ago((index * 5 + 1) * minute), {
            ...(index < failures ? failed('settings_invalid') : { report: watchReport() }),
          }),
        ),
      });
    expect([0, 1, 2].map((failures) => judged(looks(failures)))).toEqual([
      [],
      ['job-failures info'],
      ['job-failures warning'],
    ]);
    const env = { FINDING_LEVELS: 'job-failures=critical' };
    expect([1, 2].map((failures) => judged(looks(failures), {}, env))).toEqual([
      ['job-failures info'],
      ['job-failures critical'],
    ]);
    expect(judged(looks(1), {}, { FINDING_LEVELS: 'job-failures=off' })).toEqual([]);
  });

  it('and only looks is told where it fails and succeeds in turn, whatever its last run did', () => {
    // `x` failed, `.` succeeded, the newest first.
    const counts = (states: string) =>
      standing(
        soundSqlCache({
          counts: [...states].map((state, index) =>
            record('counts', 'web', ago((index * 5 + 1) * minute), {
              ...(state === 'x' ? failed() : { report: countsReport() }),
            }),
          ),
        }),
      ).map(({ level, what }) => `${level} ${what}`);
    expect(counts('x.x........')).toEqual(['info The job counts failed last time (firewall). Not let in.']);
    expect(counts('x.x.x......')).toEqual([
      'warning The job counts failed 3 times of the last 11 runs (firewall). Not let in.',
    ]);
    expect(counts('.xx.x..x..')).toEqual([
      'warning The job counts failed 4 times of the last 10 runs (firewall). Not let in.',
    ]);
    expect(counts('.xxxx.xxxx.')).toEqual([]);
    expect(counts('...........x.x.x')).toEqual([]);
  });
});

describe('a record that is dated ahead', () => {
  const of = (purges: RunRecord<'purge'>[], at: Date = now) => {
    const cache = soundSqlCache();
    const { purge: ofPurge } = sqlCache('web', { purge: purges }, { seen: at });
    return standing({ ...cache, purge: ofPurge }, { now: at });
  };
  const checks = (purges: RunRecord<'purge'>[], at?: Date) => of(purges, at).map(({ check }) => check);

  it('hides neither absence nor failures, and is told', () => {
    expect(checks([purge(-60), purge(200)])).toEqual(['purge-absent', 'clock-ahead']);
    expect(checks([purge(-60), purge(5, failed()), purge(40)])).toEqual(['clock-ahead', 'job-failures']);
    expect(checks([purge(-60, failed()), purge(5)])).toEqual(['clock-ahead']);
    expect(of([purge(-60), purge(-30), purge(5)])).toMatchObject([
      {
        level: 'warning',
        subject: 'token-cache-maintenance',
        what: expect.stringMatching(/^2 starts .*T13:00:00.000Z/),
      },
    ]);
  });

  it('counts when its time has come, and within what clocks differ at once', () => {
    expect(checks([purge(-4), purge(200)])).toEqual([]);
    expect(checks([purge(-60), purge(200)], ago(-56 * minute))).not.toContain('purge-absent');
  });

  it('is told of a timer as well', () => {
    const timer = { name: 'watchRedis', status: 'ok', lateness: null, nextStart: null } as const;
    const at = (ms: number) => judged(soundSqlCache(), { timers: [{ ...timer, lastStart: ago(ms).toISOString() }] });
    expect([at(-hour), at(-4 * minute)]).toEqual([['clock-ahead warning'], []]);
  });
});

describe('a job that does not run', () => {
  const schedules: [name: string, schedule: string, last: string, told: string, silent: string][] = [
    ['half-hourly', '0 */30 * * * *', '2026-11-24T10:00:02Z', '2026-11-24T11:35:01Z', '2026-11-24T11:34:59Z'],
    ['hourly', '0 0 * * * *', '2026-11-24T08:00:02Z', '2026-11-24T11:05:01Z', '2026-11-24T11:04:59Z'],
    ['every five minutes', '0 */5 * * * *', '2026-11-24T10:00:02Z', '2026-11-24T10:20:01Z', '2026-11-24T10:19:59Z'],
    [
      'in working hours, from one day to the next',
      '0 0 8-18 * * 1-5',
      '2026-11-24T17:00:02Z',
      '2026-11-25T09:05:01Z',
      '2026-11-25T09:04:59Z',
    ],
    [
      'in working hours, over a weekend',
      '0 0 8-18 * * 1-5',
      '2026-11-20T18:00:02Z',
      '2026-11-23T10:05:01Z',
      '2026-11-23T10:04:59Z',
    ],
  ];
  it.each(schedules)('%s is told of at the third missing run', (_name, schedule, last, told, notYet) => {
    const at = (instant: string) =>
      judged(
        soundSqlCache({ purge: [record('purge', 'web', last, { duration: 'PT1S', report: purgeReport() })] }),
        { now: new Date(instant), couldRunSince: () => new Date(last) },
        { SCHEDULE_PURGE: schedule },
      ).filter((text) => text.startsWith('purge'));
    expect([at(notYet), at(told)]).toEqual([[], ['purge-absent critical']]);
  });

  it('has not missed the firing that it was itself, a moment early', () => {
    const early = record('purge', 'web', '2026-11-24T09:59:59.900Z', { duration: 'PT0.05S', report: purgeReport() });
    const at = (instant: string) => judged(soundSqlCache({ purge: [early] }), { now: new Date(instant) });
    expect(at('2026-11-24T11:34:00Z')).not.toContain('purge-absent critical');
    expect(at('2026-11-24T11:36:00Z')).toContain('purge-absent critical');
  });

  it('once a day is told of two hours after the first missing run', () => {
    const ring = soundKeyRing({ rotateKeyRing: [record('rotateKeyRing', 'web', '2026-11-23T04:41:01Z')] });
    const at = (instant: string) => judged(ring, { now: new Date(instant) });
    expect(at('2026-11-24T06:40:00Z')).toEqual([]);
    expect(at('2026-11-24T06:42:00Z')).toEqual(['rotation-absent warning']);
  });

  it.each(ofSilent)('is told of though %s was in between', (_name, changes) => {
    expect(ofPurges([purge(5, changes), purge(35, changes), purge(200)])).toEqual(['purge-absent critical']);
  });

  it('says why its last run failed, and is one finding', () => {
    const purges = [purge(5, failed()), purge(35, failed()), purge(65, failed()), purge(200)];
    expect(standing(soundSqlCache({ purge: purges }))).toMatchObject([
      { check: 'purge-absent', level: 'critical', what: expect.stringContaining('firewall'), advice: 'Let it in.' },
    ]);
    const found = standing(
      soundSqlCache({ purge: [purge(5, silent['a run that found another at work']), purge(200)] }),
    );
    expect(found).toMatchObject([{ check: 'purge-absent', advice: expect.stringContaining('lock') }]);
  });

  it.each([
    ['a dry run', silent['a dry run']],
    ['a run that was stopped', silent['a run that was stopped']],
    ['a dry run that found another at work', { ...silent['a run that found another at work'], dryRun: true }],
  ])('is advised on by its last real run, whatever %s found', (_name, changes) => {
    const busy = silent['a run that found another at work'];
    const advice = (...purges: RunRecord<'purge'>[]) =>
      standing(soundSqlCache({ purge: [...purges, purge(200)] })).map((found) => found.advice);
    expect(advice(purge(5, changes), purge(35, busy))).toEqual([expect.stringContaining('lock')]);
    expect(advice(purge(5, changes))).toEqual([expect.stringContaining('/api/health')]);
  });

  it('is explained by its timer, where that is late', () => {
    const timer = { name: 'purgeExpiredEntries', lateness: 'PT3H', lastStart: ago(4 * hour).toISOString() };
    const late = { ...timer, status: 'dead', nextStart: null } as const;
    expect(ofPurges([purge(200)], { timers: [late] })).toEqual(['timer-late critical']);
    expect(ofPurges([purge(200)], { timers: [{ ...late, status: 'ok' }] })).toEqual(['purge-absent critical']);
  });

  it('is meant so, where its timer is switched off', () => {
    expect(ofPurges([purge(30 * 24 * 60)], {}, { 'AzureWebJobs.purgeExpiredEntries.Disabled': 'true' })).toEqual([]);
  });

  it('has its turn first: after a deployment, a long time down, or a change of its schedule', () => {
    for (const [minutes, told] of [
      [0, []],
      [90, []],
      [100, ['purge-absent critical']],
    ] as const) {
      const couldRunSince = () => ago(minutes * minute);
      expect(ofPurges([], { couldRunSince }), `${minutes} min`).toEqual(told);
      expect(ofPurges([purge(3 * 24 * 60)], { couldRunSince }), `${minutes} min`).toEqual(told);
    }
  });

  it('is told of after as many runs as the settings say', () => {
    const at = (minutes: number) => ofPurges([purge(minutes)], {}, { FINDING_ABSENT_RUNS: '1' });
    expect([at(30), at(40)]).toEqual([[], ['purge-absent critical']]);
  });

  it('is told of where its records know no success at all', () => {
    expect(ofPurges([purge(5, failed())])).toEqual(['purge-absent critical']);
    expect(standing(soundSqlCache({ purge: [] }), { couldRunSince: () => ago(2 * day) })).toMatchObject([
      { what: 'The job purge has not succeeded since the app began to look, 2 d ago.' },
    ]);
  });

  it.each([
    ['index', 'index-absent warning'],
    ['counts', 'counts-absent warning'],
  ] as const)('is told of for each job: %s', (job, told) => {
    expect(judged(soundSqlCache({ [job]: [record(job, 'web', ago(3 * day))] }))).toEqual([told]);
  });

  it('and watches a Redis is told of', () => {
    const cache = redisCache('sessions', {
      redis: [record('redis', 'sessions', ago(hour), { report: watchReport() })],
    });
    expect(judged(cache)).toEqual(['watch-absent warning']);
  });

  it('is not known where its records cannot be read: that is told once', () => {
    const cache = soundSqlCache({ purge: [] });
    const unreadable = { ...cache, purge: { ...cache.purge, unreadable: true as const } };
    expect(judged(unreadable)).toEqual(['records-unreadable critical']);
  });
});

it('nothing is said of a cache that is not in the settings', () => {
  expect(judged([], { now })).toEqual([]);
});
