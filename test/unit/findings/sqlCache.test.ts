/** What is said of a SQL cache by the reports of its purges, counts and index runs. */
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/lib/runs/runRecord.ts';
import type { AppPurge } from '../../../src/lib/sql/cacheTable.ts';
import { ago, day, hour, judged, minute, now, soundSqlCache, standing } from '../../support/judging.ts';
import {
  countsReport,
  exactly,
  failed,
  indexReport,
  leftBehind,
  purgePlan,
  purgeReport,
  record,
} from '../../support/records.ts';

const purge = (minutesAgo: number, report = purgeReport(), changes: Partial<RunRecord<'purge'>> = {}) =>
  record('purge', 'web', ago(minutesAgo * minute), { report, ...changes });
const counts = (minutesAgo: number, report = countsReport()) =>
  record('counts', 'web', ago(minutesAgo * minute), { report });

describe('backlog-growing', () => {
  /** Purges every so many minutes that left so much, the newest first. */
  const every = (minutes: number, ...left: number[]) =>
    left.map((count, index) => purge(index * minutes + 10, leftBehind(count)));
  const ofPurges = (purges: RunRecord<'purge'>[], env: Record<string, string> = {}) =>
    judged(soundSqlCache({ purge: purges }), {}, env);

  it.each([
    [30, '0 */30 * * * *'],
    [60, '0 0 * * * *'],
    [5, '0 */5 * * * *'],
  ])('is told where six purges, one every %i minutes, left more and more', (minutes, schedule) => {
    const env = { SCHEDULE_PURGE: schedule };
    expect(ofPurges(every(minutes, 600, 500, 400, 300, 200, 100), env)).toEqual(['backlog-growing warning']);
    expect(ofPurges(every(minutes, 500, 400, 300, 200, 100), env)).toEqual([]);
    expect(ofPurges(every(minutes, 100, 200, 300, 400, 500, 600), env)).toEqual([]);
    expect(ofPurges(every(minutes, 500, 500, 500, 500, 500, 500), env)).toEqual([]);
  });

  it('is told despite a reading in between that dips', () => {
    expect(ofPurges(every(30, 600, 500, 120, 300, 200, 100))).toEqual(['backlog-growing warning']);
    expect(ofPurges(every(30, 600, 500, 400, 90, 200, 100))).toEqual(['backlog-growing warning']);
  });

  it('is not told of what each purge leaves that goes up and down', () => {
    expect(ofPurges(every(30, 510, 500, 510, 500, 510, 500))).toEqual([]);
    expect(ofPurges(every(30, 530, 480, 520, 510, 470, 500))).toEqual([]);
    expect(ofPurges(every(30, 90, 600, 500, 400, 200, 100))).toEqual([]);
  });

  it('is told though one purge could not count what it left', () => {
    const [first, ...rest] = every(30, 600, 500, 400, 300, 200, 100);
    const uncounted = purge(10, leftBehind(0, { expiredRemaining: null }));
    expect(ofPurges(first ? [uncounted, ...rest] : [])).toEqual(['backlog-growing warning']);
  });

  it('is not told on a day of rising load on which every purge drains', () => {
    const rising = Array.from({ length: 48 }, (_, index) =>
      purge(
        index * 30 + 10,
        // What is left is what apps held locked.
        purgeReport({
          deleted: 48_000 - 1_000 * index,
          expiredRemaining: exactly(48 - index),
          skippedLocked: 48 - index,
        }),
      ),
    );
    const load = Array.from({ length: 288 }, (_, index) =>
      counts(index * 5, countsReport({ expired: exactly(30_000 - 100 * index) })),
    );
    expect(judged(soundSqlCache({ purge: rising, counts: load }))).toEqual([]);
  });

  it('is over with the first purge that drains', () => {
    const growing = every(30, 600, 500, 400, 300, 200, 100);
    expect(ofPurges([purge(5), ...growing])).toEqual([]);
    // One of old entries alone drains these, and leaves the rest.
    const ofOld = purge(5, purgeReport({ deleted: 0, expiredRemaining: exactly(700) }));
    expect(ofPurges([ofOld, ...growing])).toEqual(['backlog-growing warning']);
  });

  it('counts the parts of one purge as one', () => {
    // Each part leaves less than the one before, each purge more.
    const chain = (hoursAgo: number, left: number) => {
      const first = purge(hoursAgo * 60, leftBehind(left + 300), { part: 1, next: 'the-next' });
      const parts = [2, 3, 4].map((part) =>
        purge(hoursAgo * 60 - 10 * part, leftBehind(left + 300 - 100 * (part - 1)), {
          first: first.runId,
          part,
          ...(part < 4 && { next: 'the-next' }),
        }),
      );
      return [first, ...parts];
    };
    const env = { SCHEDULE_PURGE: '0 0 */2 * * *' };
    const of = (...left: number[]) => left.flatMap((count, index) => chain(index * 2 + 1, count));
    expect(ofPurges(of(600, 500, 400, 300, 200, 100), env)).toEqual(['backlog-growing warning']);
    expect(ofPurges(of(500, 400), env)).toEqual([]);
    expect(ofPurges(of(100, 200, 300, 400, 500, 600), env)).toEqual([]);
  });

  it('is judged alike in whatever order the records come', () => {
    const growing = every(30, 600, 500, 400, 300, 200, 100);
    expect(ofPurges([...growing].reverse())).toEqual(['backlog-growing warning']);
  });

  it('looks past runs that say nothing', () => {
    const growing = every(30, 600, 500, 400, 300, 200, 100);
    const silent = [
      purge(5, purgeReport(), { dryRun: true, report: purgePlan() }),
      purge(6, purgeReport({ stopReason: 'busy' }), { outcome: 'skipped' }),
      purge(7, leftBehind(1, { stopReason: 'aborted' }), { outcome: 'aborted' }),
      purge(45, leftBehind(9_999, { stopReason: 'failed' }), failed()),
    ];
    expect(ofPurges([...silent, ...growing])).toEqual(['backlog-growing warning']);
    expect(standing(soundSqlCache({ purge: [...silent, ...growing] }))[0]).toMatchObject({
      subject: 'cache web',
      what: 'The last 6 purges left 100, and now 600 expired entries. They stopped by timeBudget.',
      advice: expect.stringContaining('PURGE_TIME_BUDGET'),
      since: ago(160 * minute).toISOString(),
    });
  });

  it('is told after as many purges as the settings say', () => {
    expect(ofPurges(every(30, 300, 200, 100), { FINDING_BACKLOG_RUNS: '3' })).toEqual(['backlog-growing warning']);
  });
});

describe('purge-busy', () => {
  const busyRun = (minutesAgo: number, heldBy: string | null = null) =>
    purge(minutesAgo, purgeReport({ stopReason: 'busy', deleted: 0, heldBy }), { outcome: 'skipped' });
  const schedule = { SCHEDULE_PURGE: '0 */30 * * * *' };
  const of = (...runs: RunRecord<'purge'>[]) =>
    standing(soundSqlCache({ purge: runs }), {}, { ...schedule, FINDING_ABSENT_RUNS: '10' }).filter(
      ({ check }) => check === 'purge-busy',
    );

  it('is told once it lasted over two intervals, with who holds the lock', () => {
    expect(of(busyRun(10, 'process 7, role web'), busyRun(40), busyRun(70), purge(100))).toMatchObject([
      {
        level: 'warning',
        what: expect.stringMatching(/last 3 purges .* at last by process 7, role web/),
        since: ago(70 * minute).toISOString(),
      },
    ]);
  });

  it('is one finding with the absence that it leads to', () => {
    const runs = [10, 40, 70, 100].map((at) => busyRun(at, 'process 7, role web'));
    expect(standing(soundSqlCache({ purge: [...runs, purge(130)] }), {}, schedule)).toMatchObject([
      { check: 'purge-absent', level: 'critical', what: expect.stringMatching(/has not succeeded.* by process 7/) },
    ]);
  });

  it('is not told of two, nor where a run in between went through', () => {
    expect(of(busyRun(10), busyRun(40), purge(70))).toEqual([]);
    expect(of(busyRun(10), purge(40), busyRun(70), busyRun(100))).toEqual([]);
  });
});

describe('rows-kept', () => {
  const kept = [{ entries: 3, cause: 'constraint x of y keeps them.', advice: 'Let it cascade.' }];
  const report = purgeReport({ stopReason: 'rowsKept', kept, expiredRemaining: exactly(3) });

  it('is told with cause and advice, and is not a backlog', () => {
    expect(standing(soundSqlCache({ purge: [1, 31, 61, 91, 121, 151].map((at) => purge(at, report)) }))).toMatchObject([
      {
        check: 'rows-kept',
        level: 'warning',
        what: expect.stringContaining('3 expired entries'),
        advice: 'Let it cascade.',
      },
    ]);
  });
});

describe('oldest-expired', () => {
  const old = countsReport({ expired: exactly(900), oldestExpiredAge: 'PT7H' });
  const unknown = countsReport({ expired: exactly(900), oldestExpiredAge: null });
  const none = countsReport({ expired: exactly(0), oldestExpiredAge: null });
  const young = countsReport({ expired: exactly(900), oldestExpiredAge: 'PT20M' });
  const before = purge(50, leftBehind(900, { oldestExpiredAge: { before: 'PT8H', after: 'PT7H' } }));
  const of = (readings: RunRecord<'counts'>[], purges = [before]) =>
    judged(soundSqlCache({ purge: purges, counts: readings }));

  it('is told by the newest reading, of the counts or of a purge', () => {
    expect(standing(soundSqlCache({ purge: [before], counts: [counts(4, old)] }))).toMatchObject([
      {
        check: 'oldest-expired',
        level: 'warning',
        what: 'The oldest expired entry expired 7 h before it was last seen, 4 min ago. 900 expired entries were counted.',
        since: ago(hour + 3 * minute).toISOString(),
      },
    ]);
    expect([of([counts(4, young)]), of([counts(4, none)])]).toEqual([[], []]);
    expect(of([counts(4, old)], [purge(2)])).toEqual([]);
    expect(
      of([counts(4, young)], [purge(2, leftBehind(9, { oldestExpiredAge: { before: 'P1D', after: 'PT9H' } }))]),
    ).toEqual(['oldest-expired warning']);
  });

  it('is not told of what the grace of the purge keeps', () => {
    const kept = counts(2, countsReport({ expired: exactly(48), oldestExpiredAge: 'P1DT25M' }));
    const of = (grace: string) => judged(soundSqlCache({ counts: [kept] }), {}, { PURGE_GRACE: grace });
    expect([of('P1D'), of('PT1H')]).toEqual([[], ['oldest-expired warning']]);
  });

  it('takes what a purge left for read as it ended', () => {
    const long = purge(60, purgeReport(), { duration: 'PT58M' });
    expect(of([counts(4, old)], [long])).toEqual([]);
  });

  it('is not over for a reading that found no answer in time, nor for want of readings', () => {
    expect(of([counts(4, unknown), counts(9, old)])).toEqual(['oldest-expired warning']);
    const unread = { skippedLocked: 12, expiredRemaining: null, oldestExpiredAge: { before: 'PT8H', after: null } };
    expect(of([counts(4, old)], [purge(2, purgeReport(unread))])).toEqual(['oldest-expired warning']);
    const stopped = record('counts', 'web', ago(3 * hour), { report: old });
    expect(of([stopped], [purge(5, leftBehind(900, { oldestExpiredAge: { before: null, after: null } }))])).toEqual([
      'counts-absent warning',
      'oldest-expired warning',
    ]);
    const failing = [2, 7].map((minutes) => record('counts', 'web', ago(minutes * minute), failed()));
    expect(of([...failing, stopped])).toEqual(['job-failures warning', 'oldest-expired warning']);
  });

  it('is judged by when a reading was taken, though it comes late', () => {
    expect(of([counts(30, old), counts(4, young)])).toEqual([]);
  });

  it('is told beyond the age of the settings', () => {
    const sound = soundSqlCache({ purge: [before], counts: [counts(4, young)] });
    expect(judged(sound, {}, { FINDING_OLDEST_EXPIRED: 'PT10M' })).toEqual(['oldest-expired warning']);
    expect(judged(sound)).toEqual([]);
  });
});

describe('table-size', () => {
  const size = (dataBytes: number | null, indexBytes: number | null) =>
    counts(4, countsReport({ dataBytes, indexBytes }));

  it('is told of data and indexes together, by the newest reading that knows it', () => {
    expect(judged(soundSqlCache({ counts: [size(9e9, 2e9)] }))).toEqual(['table-size warning']);
    expect(judged(soundSqlCache({ counts: [size(9e9, 0.5e9)] }))).toEqual([]);
    const earlier = counts(9, countsReport({ dataBytes: 20e9, indexBytes: null }));
    expect(judged(soundSqlCache({ counts: [size(null, null), earlier] }))).toEqual(['table-size warning']);
    expect(judged(soundSqlCache({ counts: [size(9e9, 2e9)] }), {}, { FINDING_TABLE_SIZE: '20gb' })).toEqual([]);
  });
});

describe('index-missing', () => {
  const index = (minutesAgo: number, changes: Partial<RunRecord<'index'>> = {}) =>
    record('index', 'web', ago(minutesAgo * minute), { report: indexReport(), ...changes });
  const withoutRight = {
    outcome: 'failed',
    error: { code: 'permission_missing', message: 'It may not create an index.', advice: 'GRANT ALTER.' },
  } as const;
  const { report: _, ...bare } = index(60);

  it('is told where the job cannot build it for want of a right, which fails: as one finding', () => {
    expect(standing(soundSqlCache({ index: [{ ...bare, ...withoutRight }], purge: [purge(90)] }))).toMatchObject([
      { check: 'index-missing', level: 'warning', what: expect.stringContaining('It may not'), advice: 'GRANT ALTER.' },
    ]);
  });

  it('is told of an index that is only observed, with the statement to run, as one finding', () => {
    const run = 'The expiry index is only observed here: let the owner of the table run `create index …;`.';
    const report = indexReport({ outcome: 'missing', warnings: [run] });
    const missing = purgeReport({ index: 'missing', way: 'key', warnings: [run, 'The expiry index is missing.'] });
    expect(standing(soundSqlCache({ purge: [purge(10, missing)], index: [index(60, { report })] }))).toMatchObject([
      { check: 'index-missing', level: 'warning', what: expect.not.stringContaining('could be built'), advice: run },
    ]);
  });

  it('is told by a purge that went without it', () => {
    const missing = purgeReport({ index: 'missing', way: 'key' });
    expect(judged(soundSqlCache({ purge: [purge(10, missing)], index: [index(60)] }))).toEqual([
      'index-missing warning',
    ]);
    expect(judged(soundSqlCache({ purge: [purge(10, missing)], index: [index(5)] }))).toEqual([]);
    expect(
      judged(
        soundSqlCache({ purge: [purge(10)], index: [index(60, { report: indexReport({ outcome: 'missing' }) })] }),
      ),
    ).toEqual([]);
    expect(
      judged(
        soundSqlCache({ purge: [purge(90)], index: [index(60, { report: indexReport({ outcome: 'missing' }) })] }),
      ),
    ).toEqual(['index-missing warning']);
  });

  it('is since the first run that missed it', () => {
    const missing = purgeReport({ index: 'missing', way: 'key' });
    const purges = [purge(10, missing), purge(40, missing), purge(70)];
    expect(standing(soundSqlCache({ purge: purges, index: [index(200)] }))[0]?.since).toBe(
      ago(40 * minute).toISOString(),
    );
  });

  it.each(['present', 'created', 'rebuilt', 'building'] as const)('is not told of an index that is %s', (outcome) => {
    expect(judged(soundSqlCache({ index: [index(2, { report: indexReport({ outcome }) })] }))).toEqual([]);
  });

  it('is not changed by runs that say nothing', () => {
    const busy = index(2, { outcome: 'skipped', report: indexReport({ outcome: 'busy' }) });
    const passing = purge(3, purgeReport({ index: 'busy', way: 'key' }));
    const dry = index(1, { dryRun: true, report: indexReport({ dryRun: true, outcome: 'wouldBuild' }) });
    expect(
      judged(soundSqlCache({ index: [dry, busy, { ...bare, ...withoutRight }], purge: [passing, purge(90)] })),
    ).toEqual(['index-missing warning']);
  });

  it('is not claimed where the job fails otherwise: that is told', () => {
    expect(judged(soundSqlCache({ index: [{ ...bare, ...failed() }] }))).toEqual(['job-failures warning']);
  });
});

describe('what the last purge saw', () => {
  const of = (...purges: RunRecord<'purge'>[]) => judged(soundSqlCache({ purge: purges }));

  it('is told: that the database was loaded, and what it warned of', () => {
    const seen = purgeReport({ stopReason: 'unhealthy', warnings: ['A login is old.'] });
    expect(of(purge(10, seen))).toEqual(['database-load warning', 'purge-warning info']);
    expect(of(purge(5), purge(10, seen))).toEqual([]);
  });

  it('is not hidden by runs that did nothing', () => {
    const seen = purgeReport({ stopReason: 'unhealthy' });
    const silent = purge(5, purgeReport({ stopReason: 'busy' }), { outcome: 'skipped' });
    expect(of(silent, purge(10, seen))).toEqual(['database-load warning']);
  });
});

describe('an app that purges by itself', () => {
  const told = (minutesAgo: number, appPurge: AppPurge) => counts(minutesAgo, countsReport({ appPurge }));
  const of = (...looks: RunRecord<'counts'>[]) => judged(soundSqlCache({ counts: looks }));
  const running = (agoMs: number): AppPurge => ({
    state: 'running',
    lastRunAt: ago(agoMs).toISOString(),
    lastDuration: 'PT3S',
    lastOutcome: 'done',
    longest: 'PT9S',
    runs: 4,
  });
  const counted = (roseAgoMs?: number): AppPurge => ({
    state: 'counted',
    runs: 4,
    longest: 'PT1S',
    roseAt: roseAgoMs === undefined ? null : ago(roseAgoMs).toISOString(),
  });
  const unknown: AppPurge = { state: 'unknown', reason: 'no right' };

  it('is told for a day, by the newest look that can tell', () => {
    for (const found of [running, counted]) {
      expect(of(told(4, found(hour)))).toEqual(['app-purge warning']);
      expect(of(told(4, found(25 * hour)))).toEqual([]);
      expect(of(told(4, unknown), told(9, found(hour)))).toEqual(['app-purge warning']);
      expect(of(told(4, { state: 'notSeen' }), told(9, found(hour)))).toEqual([]);
    }
  });

  it('is not told where its runs were counted and no look saw more of them', () => {
    expect(of(told(4, counted()))).toEqual([]);
  });
});

it('a broken purge of a queue is one finding, for all its messages', () => {
  const purges = [5, 35, 65, 95, 125].map((minutes) => {
    const { report: _, ...run } = purge(minutes);
    return { ...run, ...failed('permission_missing') };
  });
  const messages = Array.from({ length: 5 }, () => ({ job: 'purge' as const, subject: 'web' }));
  const queue = { name: 'work', poison: { name: 'work-poison', count: 5, messages }, nextSince: undefined };
  const changes = { queue, couldRunSince: () => ago(2 * day), now };
  expect(judged(soundSqlCache({ purge: purges }), changes)).toEqual(['purge-absent critical']);
  expect(judged(soundSqlCache({ purge: [...purges.slice(0, 1), purge(35)] }), changes)).toEqual([
    'job-failures warning',
  ]);
});
