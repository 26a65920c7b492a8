/** What the status page shows of records, and that no record breaks it. */
import { describe, expect, it } from 'vitest';
import type { RingStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { axisValues, valueText } from '../../src/lib/pages/browser/values.ts';
import { cacheView } from '../../src/lib/pages/status/cacheView.ts';
import { redisView } from '../../src/lib/pages/status/redisView.ts';
import { ringView } from '../../src/lib/pages/status/ringView.ts';
import { runViews } from '../../src/lib/pages/status/runView.ts';
import { statusView } from '../../src/lib/pages/status/statusView.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import {
  clearReport,
  failed,
  indexReport,
  keyRing,
  nodeUp,
  purgePlan,
  redisCache,
  ringStatus,
  sqlCache,
} from '../support/records.ts';
import { reports } from '../support/reports.ts';
import {
  ago,
  allWell,
  badNight,
  healthyCache,
  healthyRuns,
  now,
  purgeReport,
  record,
  redisWatch,
  ringOf,
  sourcesOf,
  watchReport,
} from '../support/statusSources.ts';

const hour = 3_600_000;
const minute = 60_000;

describe('the page', () => {
  it('has the worst findings first, each with what to do, and their state', () => {
    const { findings, state, health } = statusView(badNight());
    expect(findings.map(({ level, check, subject }) => `${level} ${check} ${subject}`)).toEqual([
      'critical timer-late timer recordCacheCounts',
      'critical redis-memory-critical cache sessions',
      'warning job-failures cache portal',
      'warning database-load cache portal',
      'info purge-warning cache portal',
      'info last_usable_key key ring web',
    ]);
    for (const { what, advice, subject } of findings) expect([what, advice, subject]).not.toContain('');
    expect([state, health]).toEqual(['critical', 'failing']);
    expect(statusView(allWell())).toMatchObject({ state: 'ok', health: 'ok', findings: [] });
  });

  it('has the state of the worst finding; a note is none', () => {
    const stateOf = (findings: RingStatus['findings']) =>
      statusView(sourcesOf([ringOf(ringStatus({ findings }))])).state;
    const finding = { check: 'x', what: 'Something.', advice: 'Do it.' };
    expect(stateOf([{ ...finding, level: 'info' }])).toBe('ok');
    expect(stateOf([{ ...finding, level: 'warning' }])).toBe('warning');
  });
});

describe('the axis of a plot', () => {
  it.each([
    ['count', 1.1, ['0', '1']],
    ['count', 198_000, ['0', '50 k', '100 k', '150 k']],
    ['bytes', 823e6, ['0', '250 MB', '500 MB', '750 MB']],
    ['seconds', 1, ['0', '1 s']],
    ['seconds', 1_980, ['0', '10 min', '20 min', '30 min']],
    ['seconds', 9.9 * 86_400, ['0', '2.5 d', '5 d', '7.5 d']],
  ] as const)('has round values of %s up to %f', (unit, most, texts) => {
    expect(axisValues(unit, most).map((value) => valueText(unit, value))).toEqual(texts);
  });
});

describe('a cache', () => {
  const figure = (purge: RunRecord<'purge'>[], label = 'Last purge') =>
    cacheView(sqlCache('web', { ...healthyRuns('web'), purge }), now).figures.find((each) => each.label === label);

  it('is plotted in order of time, with the newest figures and a table of the same', () => {
    const { plots, figures, readings } = cacheView(healthyCache('web'), now);
    expect(plots.map(({ id, times }) => [id, times.length])).toEqual([
      ['web-entries', 288],
      ['web-size', 288],
      ['web-age', 288],
      ['web-deletions', 48],
    ]);
    for (const { times, series } of plots) {
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const { values } of series) expect(values).toHaveLength(times.length);
    }
    expect(figures[0]).toEqual({ label: 'Active entries', value: '~120,000', note: 'counted 1 min ago' });
    expect(readings).toHaveLength(48);
    expect(readings[0]?.at).toBe(ago(60_000));
  });

  it('has the last purge that did its work: no run that did nothing hides what it deleted', () => {
    const done = record('purge', 'web', 40 * minute, { report: purgeReport(140_058) });
    const silent = [
      record('purge', 'web', minute, { outcome: 'skipped', report: purgeReport(0, { stopReason: 'busy' }) }),
      record('purge', 'web', 2 * minute, { dryRun: true, report: purgePlan() }),
      record('purge', 'web', 3 * minute, failed()),
      record('purge', 'web', 4 * minute, { outcome: 'aborted', report: purgeReport(7, { stopReason: 'aborted' }) }),
    ];
    expect(figure([...silent, done])).toEqual({ label: 'Last purge', value: '140,058 deleted', note: '40 min ago' });
    expect(figure(silent)).toMatchObject({ value: 'none' });
  });

  it('adds up the parts of a purge, and says where one is missing', () => {
    const first = record('purge', 'web', 40 * minute, {
      report: purgeReport(1_000, { stopReason: 'timeBudget' }),
      part: 1,
      next: 'the-next',
    });
    const part = (number: number, goesOn: boolean) =>
      record('purge', 'web', (40 - number * 5) * minute, {
        report: purgeReport(500),
        first: first.runId,
        part: number,
        ...(goesOn && { next: 'the-next' }),
      });
    expect(figure([part(3, false), part(2, true), first])?.value).toBe('2,000 deleted');
    expect(figure([part(3, false), first])?.value).toBe('1,500 deleted at least');
  });

  it('says what a purge or a clear under way has deleted, or that it is lost, of whatever engine', () => {
    const told = {
      runId: newRunId('purge', 'web', now),
      startedAt: ago(2 * minute),
      deleted: 41_500,
      updatedAt: ago(minute),
    };
    const text = (lost: boolean | null) => cacheView(sqlCache('web', {}, { running: { ...told, lost } }), now).running;
    expect(text(false)).toContain('under way since 2026-11-24 03:10 UTC: 41,500 deleted');
    expect(text(true)).toMatch(/is lost.*03:11 UTC: 41,500 deleted/);
    expect(text(null)).toMatch(
      /nothing since 2026-11-24 03:11 UTC: 41,500 deleted by then. Whether it is still at work is not known/,
    );
    const clear = (lost: boolean) => ({ ...told, runId: newRunId('clear', 'web', now), lost });
    expect(redisView({ ...redisCache('web'), running: clear(false) }).running).toMatch(/^A clear is under way/);
    expect(redisView({ ...redisCache('web'), running: clear(true) }).running).toMatch(/start it again\.$/);
  });

  it('plots what a purge deleted before it failed', () => {
    const purge = [record('purge', 'web', hour, { ...failed(), report: purgeReport(4_857, { stopReason: 'failed' }) })];
    const { plots } = cacheView(sqlCache('web', { purge }), now);
    expect(plots.at(-1)?.series[0]?.values).toEqual([4_857]);
  });

  it('is shown without records, and with records that have no report', () => {
    const bare = sqlCache('web', {
      counts: [record('counts', 'web', hour)],
      purge: [record('purge', 'web', hour)],
      index: [record('index', 'web', hour)],
    });
    for (const records of [sqlCache('web'), bare]) {
      const { plots, figures, engine } = cacheView(records, now);
      expect(plots.every(({ times }) => times.length === 0)).toBe(true);
      expect(figures[0]).toMatchObject({ value: 'unknown' });
      expect(engine).toBeNull();
    }
    expect(figure([record('purge', 'web', hour)])).toMatchObject({ value: 'unknown', note: '1 h ago' });
  });
});

describe('runs', () => {
  it('come newest first with their reason to stop; looks that succeeded stay away', () => {
    const runs = runViews(
      [
        record('counts', 'web', hour, {}),
        record('counts', 'web', 2 * hour, failed()),
        record('purge', 'web', 3 * hour, {
          report: purgeReport(1_200, { stopReason: 'timeBudget', skippedLocked: 3 }),
        }),
        record('purge', 'web', 4 * hour, {
          dryRun: true,
          report: purgePlan({ wouldDelete: { count: 5_000_000, estimated: true }, batches: 100 }),
        }),
        record('index', 'web', hour / 2, {
          report: indexReport({ outcome: 'building', name: 'by_expiry', percent: 40 }),
        }),
      ],
      10,
    );
    expect(runs.map(({ reason, did, tone }) => [reason, did, tone])).toEqual([
      ['building', 'expiry index building, 40 %: by_expiry', 'neutral'],
      ['firewall', 'Let it in.', 'bad'],
      ['timeBudget', '1,200 expired entries deleted in 3 batches, 0 expired left (3 locked by apps)', 'neutral'],
      ['dry run', 'would delete ~5,000,000 expired entries in about 100 batches', 'neutral'],
    ]);
  });

  it.each([
    [{ outcome: 'skipped', report: purgeReport(0, { stopReason: 'busy' }) }, 'skipped', 'neutral'],
    [{ outcome: 'aborted', report: purgeReport(3, { stopReason: 'aborted' }) }, 'aborted', 'neutral'],
    [{ outcome: 'refused', error: failed('cache_unknown').error }, 'cache_unknown', 'neutral'],
    [{ outcome: 'running', parts: 2, report: purgeReport(70) }, 'running', 'neutral'],
    [{ outcome: 'queued' }, 'queued', 'neutral'],
    [{ report: purgeReport(3, { stopReason: 'rowsKept' }) }, 'rowsKept', 'bad'],
    [failed(), 'firewall', 'bad'],
    [{ dryRun: true, ...failed() }, 'firewall', 'bad'],
  ] as [Partial<RunRecord<'purge'>>, string, string][])('that ended with %j say %s', (changes, reason, tone) => {
    expect(runViews([record('purge', 'web', hour, changes)], 1)).toMatchObject([{ reason, tone }]);
  });

  it('that moved some keys and failed on others have failed', () => {
    expect(runViews([record('rewrapKeyRing', 'web', hour, { outcome: 'failed' })], 1)).toMatchObject([
      { reason: 'failed', meaning: 'not all of it could be done', tone: 'bad' },
    ]);
  });

  it('say what was done before they failed, and what their parts add up to', () => {
    const report = purgeReport(4_857, { stopReason: 'failed' });
    expect(runViews([record('purge', 'web', hour, { ...failed(), report })], 1)).toMatchObject([
      { meaning: expect.stringMatching(/^Not let in\. By then: .*4,857 expired entries deleted/), did: 'Let it in.' },
    ]);
    const whole = record('purge', 'web', hour, { parts: 3, incomplete: true, report: purgeReport(70) });
    expect(runViews([whole], 1)[0]?.did).toMatch(/70 expired .*, in 3 parts, at least, since not all parts are known$/);
  });

  it('that are parts of one purge are one line', () => {
    const first = record('purge', 'web', 2 * hour, { part: 1, next: 'the-next', report: purgeReport(100) });
    const second = record('purge', 'web', hour, { part: 2, first: first.runId, report: purgeReport(50) });
    const { runs } = statusView(sourcesOf([sqlCache('web', { purge: [second, first] })]));
    expect(runs).toMatchObject([{ runId: first.runId, did: expect.stringContaining('150 expired entries') }]);
  });
});

describe('a Redis cache', () => {
  it('shows memory against its limit for each node, and the evictions of all', () => {
    const redis = [redisWatch(0, 920_000_000, 4), redisWatch(300_000, 900_000_000, 2)];
    const { nodes, plots } = redisView(redisCache('sessions', { redis }));
    expect(nodes).toMatchObject([
      { node: 'cache-1.example.net:6380', memory: '920 MB of 1.0 GB (92 %)', evictions: '4 since the look before' },
      { node: 'cache-2.example.net:6380', utilization: 0.552 },
    ]);
    expect(plots.map(({ series }) => series.map(({ values }) => values))).toEqual([
      [
        [900_000_000, 920_000_000],
        [1_000_000_000, 1_000_000_000],
      ],
      [
        [540_000_000, 552_000_000],
        [1_000_000_000, 1_000_000_000],
      ],
      [[4, 8]],
    ]);
  });

  it('says which node is down, and which limit is not known', () => {
    const memory = { ...nodeUp().memory, usedBytes: 2_000, maxBytes: null, utilization: null };
    const report = {
      ...watchReport(0, 0, 0),
      nodes: [
        { node: 'a', up: false as const, step: 'tls' as const },
        nodeUp({ node: 'b', memory, sinceLastLook: null }),
      ],
    };
    const { nodes, plots } = redisView(redisCache('s', { redis: [record('redis', 's', 0, { report })] }));
    expect(nodes).toMatchObject([
      { up: false, memory: 'not reached (tls)' },
      { up: true, memory: '2.0 kB, limit unknown', evictions: 'unknown until the next look' },
    ]);
    expect(plots[1]?.summary).toBe('Between 2.0 kB and 2.0 kB; no limit is known.');
  });

  it('is shown without a look', () => {
    const none = { name: 'sessions', at: null, running: null, nodes: [], sentinels: null, notTold: [], plots: [] };
    expect(redisView(redisCache('sessions'))).toEqual(none);
    expect(redisView(redisCache('sessions', { redis: [record('redis', 'sessions', hour, failed())] }))).toEqual(none);
  });
});

describe('a key ring', () => {
  const { ringStatus } = reports;
  const shortIds = ringStatus.keys.map(({ id }) => id.slice(0, 8));

  it('is a timeline of its keys, and of what happens next, the soonest first', () => {
    const { keys, events, now: position, olderKeys } = ringView(ringOf(ringStatus), now);
    const [, , current, next] = shortIds;
    expect(keys.map(({ shortId }) => shortId)).toEqual([...shortIds].reverse());
    expect(keys.map(({ state }) => state)).toEqual(['next', 'default', 'revoked', 'expired']);
    for (const { creation, activation, end } of keys.map(({ span }) => span)) {
      expect([creation, activation, end]).toEqual([creation, activation, end].sort());
      expect(end).toBeLessThanOrEqual(1);
    }
    expect(position).toBeGreaterThan(0);
    expect(position).toBeLessThan(1);
    expect(olderKeys).toBe(0);
    expect(events.map(({ when, what }) => `${when}: ${what}`)).toEqual([
      expect.stringContaining(`in 10 d: Key ${current} expires`),
      expect.stringContaining(`in 10 d: Key ${next} becomes active`),
      expect.stringMatching(/^in 76 d: The successor is due: the next run publishes it/),
      expect.stringContaining(`in 90 d: Key ${next} expires`),
    ]);
  });

  it('says of a revoked key since when, where that is known, and not when it would have expired', () => {
    const textOf = (status: RingStatus) =>
      ringView(ringOf(status), now).keys.find(({ state }) => state === 'revoked')?.text;
    const undated = ringStatus.keys.map((key) => ({ ...key, revoked: null }));
    expect(textOf(ringStatus)).toContain(', revoked 2026-09-05; protection');
    expect(textOf({ ...ringStatus, keys: undated })).toContain(', revoked; protection');
  });

  it('says that somebody must act where the ring is only observed, also when that is overdue', () => {
    const { events } = ringView(ringOf({ ...ringStatus, mode: 'observe', nextActionAt: ago(2 * hour) }), now);
    expect(events[0]).toMatchObject({ when: '2 h ago', what: expect.stringContaining('only observed') });
  });

  it('is shown as its newest run found it, whichever job that was', () => {
    const look = record('keyRingStatus', 'web', hour / 2, { report: { ...ringStatus, at: ago(hour / 2), keys: [] } });
    const change = record('rewrapKeyRing', 'web', hour / 4, { report: { ...reports.rewrap, outcome: 'rewrapped' } });
    const ring = ringOf(ringStatus, { keyRingStatus: [look], rewrapKeyRing: [change] });
    expect(ringView(ring, now)).toMatchObject({ at: ago(hour / 2), keys: [] });
    expect(statusView(sourcesOf([ring])).runs.map(({ job, reason }) => [job, reason])).toEqual([
      ['rewrapKeyRing', 'rewrapped'],
      ['rotateKeyRing', 'nothingToDo'],
    ]);
  });

  it('may be unread, or empty', () => {
    expect(ringView(keyRing('web'), now)).toMatchObject({ at: null, keys: [], events: [] });
    expect(ringView(ringOf({ ...ringStatus, keys: [] }), now)).toMatchObject({ keys: [], events: [{}] });
  });
});

describe('clears', () => {
  it('are listed among the runs, with why they stopped and what is there now', () => {
    const report = clearReport({ deleted: 1_200, remaining: { count: 3, estimated: false } });
    const early = {
      ...reports.redisClear,
      deleted: 1_200,
      stopReason: 'timeBudget' as const,
      remaining: null,
      passedOver: 8,
    };
    const plan = { ...reports.redisClearPlan, wouldDelete: { count: 1_203, estimated: true }, passedOver: 0 };
    const web = sqlCache('web', {
      clear: [
        record('clear', 'web', hour / 4, { trigger: 'http', requestedBy: { by: 'ann', from: '10.0.0.7' }, report }),
      ],
    });
    const sessions = redisCache('sessions', {
      clear: [
        record('clear', 'sessions', hour / 3, { report: early }),
        record('clear', 'sessions', hour / 2, { dryRun: true, report: plan }),
      ],
    });
    const { runs } = statusView(sourcesOf([web, sessions]));
    expect(runs.map(({ job, subject, reason }) => [job, subject, reason])).toEqual([
      ['clear', 'web', 'drained'],
      ['clear', 'sessions', 'timeBudget'],
      ['clear', 'sessions', 'dry run'],
    ]);
    expect(runs.map(({ did }) => did)).toEqual([
      '1,200 entries deleted in 2 batches, 3 left or new',
      '1,200 entries deleted, 8 other keys passed over',
      'would delete ~1,203 entries',
    ]);
    expect(runs[0]).toMatchObject({ startedBy: 'http, ann from 10.0.0.7', tone: 'good' });
  });
});
