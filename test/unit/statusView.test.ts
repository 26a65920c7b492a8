/** The status page's view of findings and records: in which order, in which words, and that no record breaks it. */
import { describe, expect, it } from 'vitest';
import type { RingStatus } from '../../src/lib/keyRing/ringStatus.ts';
import { axisValues, valueText } from '../../src/lib/pages/browser/values.ts';
import { cacheView } from '../../src/lib/pages/status/cacheView.ts';
import { redisView } from '../../src/lib/pages/status/redisView.ts';
import { ringView } from '../../src/lib/pages/status/ringView.ts';
import { runViews } from '../../src/lib/pages/status/runView.ts';
import { statusView } from '../../src/lib/pages/status/statusView.ts';
import type { RedisClearPlan, RedisClearReport } from '../../src/lib/redis/clearReport.ts';
import type { WatchReport } from '../../src/lib/redis/watchReport.ts';
import { readRecord } from '../../src/lib/runs/runRecord.ts';
import type { ClearReport } from '../../src/lib/sql/clearReport.ts';
import { reports } from '../support/reports.ts';
import {
  ago,
  allWell,
  badNight,
  healthyRuns,
  keyRing,
  nodeUp,
  now,
  purgeReport,
  record,
  redisCache,
  redisWatch,
  ringOf,
  rotation,
  sqlCache,
  watchReport,
} from '../support/statusSources.ts';

const hour = 3_600_000;
const levelOrder = ['critical', 'warning', 'info'];
const error = { code: 'firewall', message: 'Not let in.', advice: 'Let it in.' };

describe('findings', () => {
  it('come worst first, each with what to do, and give the state', () => {
    const { findings, state } = statusView(badNight());
    const levels = findings.map(({ level }) => level);
    expect(levels).toEqual([...levels].sort((a, b) => levelOrder.indexOf(a) - levelOrder.indexOf(b)));
    expect(new Set(levels)).toEqual(new Set(levelOrder));
    for (const { what, advice, subject } of findings) expect([what, advice, subject]).not.toContain('');
    expect(state).toBe('critical');
    expect(statusView(allWell())).toMatchObject({ state: 'ok', findings: [] });
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
  it('is plotted in order of time, with the newest figures and a table of the same', () => {
    const { plots, figures, readings } = cacheView(sqlCache('web', healthyRuns('web')), now);
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

  it.each([undefined, null, 7, 'text', [], {}, { cut: true, beginning: '{"at":' }, { dryRun: false }, { nodes: [{}] }])(
    'is shown though the report of each of its records is %j',
    (report) => {
      const read = <J extends 'purge' | 'index' | 'counts' | 'redis'>(job: J) => {
        const kept = readRecord({ ...record(job, 'web', hour), report });
        if (kept?.job !== job) throw new Error('the record was not read');
        return [kept as ReturnType<typeof record<J>>];
      };
      const runs = { purge: read('purge'), index: read('index'), counts: read('counts') };
      for (const records of [sqlCache('web', {}), sqlCache('web', runs)]) {
        const { plots, figures } = cacheView(records, now);
        expect(plots.every(({ times }) => times.length === 0)).toBe(true);
        expect(figures[0]).toMatchObject({ value: 'unknown' });
      }
      const none = { name: 'sessions', at: null, nodes: [], plots: [] };
      expect(redisView(redisCache('sessions', { redis: read('redis') }))).toEqual(none);
      expect(runViews(read('purge'), 20)).toHaveLength(1);
    },
  );
});

describe('runs', () => {
  it('come newest first with their reason to stop; looks that succeeded stay away', () => {
    const building = { ...reports.index, outcome: 'building' as const, name: 'by_expiry', percent: 40 };
    const report = purgeReport(1_200, { stopReason: 'timeBudget', skippedLocked: 3 });
    const plan = { ...reports.purgePlan, wouldDelete: { count: 5_000_000, estimated: true } };
    const runs = runViews(
      [
        record('counts', 'web', hour, {}),
        record('counts', 'web', 2 * hour, { outcome: 'failed', error }),
        record('purge', 'web', 3 * hour, { report }),
        record('purge', 'web', 4 * hour, { report: plan, dryRun: true }),
        record('index', 'web', hour / 2, { report: building }),
      ],
      10,
    );
    expect(runs.map(({ reason, tone }) => [reason, tone])).toEqual([
      ['building', 'neutral'],
      ['firewall', 'bad'],
      ['timeBudget', 'neutral'],
      ['dry run', 'neutral'],
    ]);
    expect(runs.map(({ did }) => did)).toEqual([
      expect.stringContaining('40 %'),
      'Let it in.',
      expect.stringMatching(/1,200 expired entries deleted .*3 locked by apps/),
      expect.stringContaining('would delete ~5,000,000'),
    ]);
  });
});

describe('a Redis cache', () => {
  it('shows memory against its limit for each node, and the evictions of all', () => {
    const watches = [redisWatch(0, 920_000_000, 4), redisWatch(300_000, 900_000_000, 2)];
    const { nodes, plots } = redisView(redisCache('sessions', { redis: watches }));
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
    const memory = { ...nodeUp.memory, usedBytes: 2_000, maxBytes: null, utilization: null };
    const report: WatchReport = {
      ...watchReport(0, 0, 0),
      nodes: [
        { node: 'a', up: false, step: 'tls' },
        { ...nodeUp, node: 'b', memory, sinceLastLook: null },
      ],
    };
    const { nodes, plots } = redisView(redisCache('s', { redis: [record('redis', 's', 0, { report })] }));
    expect(nodes).toMatchObject([
      { up: false, memory: 'not reached (tls)' },
      { up: true, memory: '2.0 kB, limit unknown', evictions: 'unknown until the next look' },
    ]);
    expect(plots[1]?.summary).toBe('Between 2.0 kB and 2.0 kB; no limit is known.');
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
    const rotated = rotation(ringStatus);
    const look = record('keyRingStatus', 'web', hour / 2, { report: { ...ringStatus, at: ago(hour / 2), keys: [] } });
    const change = record('rewrapKeyRing', 'web', hour / 4, { report: { ...reports.rewrap, outcome: 'rewrapped' } });
    const ring = keyRing('web', { rotateKeyRing: [rotated], keyRingStatus: [look], rewrapKeyRing: [change] });
    expect(ringView(ring, now)).toMatchObject({ at: ago(hour / 2), keys: [] });
    expect(runViews([rotated, look, change], 5).map(({ job, reason }) => [job, reason])).toEqual([
      ['rewrapKeyRing', 'rewrapped'],
      ['rotateKeyRing', 'nothingToDo'],
    ]);
  });

  it('may be unread, or empty', () => {
    expect(ringView(keyRing('web', {}), now)).toMatchObject({ at: null, keys: [], events: [] });
    expect(ringView(ringOf({ ...ringStatus, keys: [] }), now)).toMatchObject({ keys: [], events: [{}] });
  });
});

describe('clears', () => {
  it('are listed among the runs, with why they stopped and what is there now', () => {
    const remaining = { count: 3, estimated: false };
    const report: ClearReport = { ...reports.clear, deleted: 1_200, remaining };
    const early: RedisClearReport = {
      ...reports.redisClear,
      deleted: 1_200,
      stopReason: 'timeBudget',
      remaining: null,
    };
    const plan: RedisClearPlan = { ...reports.redisClearPlan, wouldDelete: { count: 1_203, estimated: true } };
    const web = record('clear', 'web', hour / 4, {
      trigger: 'http',
      requestedBy: { by: 'ann', from: '10.0.0.7' },
      report,
    });
    const sessions = [
      record('clear', 'sessions', hour / 3, { report: early }),
      record('clear', 'sessions', hour / 2, { report: plan, dryRun: true }),
    ];
    const subjects = [sqlCache('web', { clear: [web] }), redisCache('sessions', { clear: sessions })];
    const { runs } = statusView({ ...allWell(), subjects });
    expect(runs.map(({ job, subject, reason }) => [job, subject, reason])).toEqual([
      ['clear', 'web', 'drained'],
      ['clear', 'sessions', 'timeBudget'],
      ['clear', 'sessions', 'dry run'],
    ]);
    expect(runs.map(({ did }) => did)).toEqual([
      expect.stringMatching(/1,200 .*deleted/),
      expect.stringMatching(/1,200 .*deleted/),
      expect.stringContaining('would delete ~1,203'),
    ]);
    expect(runs[0]).toMatchObject({ startedBy: 'http, ann from 10.0.0.7', tone: 'good' });
  });
});
