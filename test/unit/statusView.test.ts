/** The status page's view of records: what it finds, in which order, and that no record breaks it. */
import { describe, expect, it } from 'vitest';
import { axisValues, valueText } from '../../src/functions/support/statusPage/browser/values.ts';
import { cacheFindings } from '../../src/lib/status/cacheFindings.ts';
import { cacheView } from '../../src/lib/status/cacheView.ts';
import { redisView } from '../../src/lib/status/redisView.ts';
import { ringView } from '../../src/lib/status/ringView.ts';
import { runViews } from '../../src/lib/status/runView.ts';
import { statusView } from '../../src/lib/status/statusView.ts';
import {
  ago,
  allWell,
  badNight,
  countsReport,
  healthyCache,
  now,
  purgeReport,
  record,
  redisWatch,
  ringOf,
  ringStatus,
} from '../support/statusSamples.ts';

const hour = 3_600_000;
const halfHour = hour / 2;
const error = { code: 'firewall', message: 'Not let in.', advice: 'Let it in.' };

describe('findings', () => {
  it('come worst first, each with what to do, and give the state', () => {
    const { findings, state } = statusView(badNight());
    expect(findings.map(({ level }) => level)).toEqual(['critical', 'critical', 'warning', 'warning', 'info', 'info']);
    for (const { what, advice, subject } of findings) expect([what, advice, subject]).not.toContain('');
    expect(state).toBe('critical');
    expect(statusView(allWell())).toMatchObject({ state: 'ok', findings: [] });
  });

  it('take over what health alone knows', () => {
    const well = allWell();
    expect(statusView({ ...well, health: { ...well.health, status: 'degraded' } }).state).toBe('warning');
    expect(statusView({ ...well, health: { ...well.health, status: 'failing' } }).state).toBe('critical');
  });

  it('say that settings are wrong, and that records cannot be read or are not kept', () => {
    const settingProblems = [{ setting: 'PURGE_GRACE', message: 'must be a duration' }];
    const sources = { ...allWell(), settingProblems, recordsReadable: false, recordStore: 'none' };
    expect(statusView(sources).findings.map(({ level, what }) => [level, what])).toEqual([
      ['critical', 'PURGE_GRACE must be a duration.'],
      ['critical', expect.stringContaining('cannot be read')],
      ['info', expect.stringContaining('not recorded')],
    ]);
  });

  it('say that nobody works the queue off, and what may be the reason', () => {
    const well = allWell();
    const notWorkedOff = { queue: 'work', wait: 'PT3H', status: 'failing' as const };
    expect(statusView({ ...well, health: { ...well.health, notWorkedOff } }).findings).toMatchObject([
      { level: 'critical', subject: 'Queue work', advice: expect.stringContaining('runMaintenance') },
    ]);
  });

  it('say that messages lie in the poison queue, and with which commands to look and put them back', () => {
    const well = allWell();
    const health = { ...well.health, poison: { queue: 'work-poison', messages: 3 } };
    expect(statusView({ ...well, health }).findings).toMatchObject([
      {
        level: 'warning',
        subject: 'Queue work-poison',
        advice: expect.stringMatching(/queue list.*queue retry --execute/),
      },
    ]);
    expect(statusView({ ...well, health: { ...health, poison: { ...health.poison, messages: 0 } } }).findings).toEqual(
      [],
    );
  });

  it('count how often a job has failed in a row, up to its last success', () => {
    const failed = [1, 2, 3].map((step) => record('purge', 'web', step * hour, { outcome: 'failed', error }));
    const [first, ...others] = [...failed, ...healthyCache('web').purge];
    expect(cacheFindings({ ...healthyCache('web'), purge: first ? [first, ...others] : [] }, halfHour)).toMatchObject([
      {
        level: 'warning',
        what: 'It failed 3 times in a row (firewall): Not let in.',
        advice: 'Let it in.',
        since: ago(3 * hour),
      },
    ]);
  });

  const behind = (ages: (string | null)[]) => ({
    ...healthyCache('web'),
    counts: [record('counts', 'web', 0, { report: countsReport(0, 100, 9_000, 50 * hour) })],
    purge: ages.map((after, step) =>
      record('purge', 'web', step * halfHour, {
        report: purgeReport(10, { stopReason: 'timeBudget', oldestExpiredAge: { before: 'P3D', after } }),
      }),
    ),
  });

  it('tell a backlog that is worked off from one that grows', () => {
    expect(cacheFindings(behind(['P2D', 'P3D', 'P4D']), halfHour)).toMatchObject([{ level: 'info' }]);
    expect(cacheFindings(behind(['P4D', 'P3D', 'P2D']), halfHour)).toMatchObject([
      { level: 'warning', advice: expect.stringContaining('PURGE_TIME_BUDGET') },
    ]);
    expect(cacheFindings(behind([]), halfHour)).toMatchObject([
      { level: 'warning', advice: expect.stringContaining('timer') },
    ]);
  });

  it('see no backlog in what a purge that runs seldom has not come to yet', () => {
    expect(cacheFindings(behind(['P2D']), 30 * hour)).toEqual([]);
  });

  it('say that the expiry index is missing', () => {
    const index = [record('index', 'web', hour, { report: { outcome: 'missing', name: null, percent: null } })];
    expect(cacheFindings({ ...healthyCache('web'), index }, halfHour)).toMatchObject([
      { subject: 'Expiry index of web' },
    ]);
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

  it('is shown without records, and with records that cannot be read', () => {
    const empty = { name: 'web', engine: null, running: null, purge: [], index: [], counts: [] };
    const odd = [
      undefined,
      null,
      7,
      'text',
      [],
      {},
      { cut: true, beginning: '{"at":' },
      { dryRun: false },
      { nodes: [{}] },
    ];
    const records = odd.map((report) => record('counts', 'web', hour, { report }));
    for (const runs of [empty, { ...empty, purge: records, index: records, counts: records }]) {
      const { plots, figures } = cacheView(runs, now);
      expect(plots.every(({ times }) => times.length === 0)).toBe(true);
      expect(figures[0]).toMatchObject({ value: 'unknown' });
      expect(cacheFindings(runs, halfHour)).toEqual([]);
    }
    expect(redisView({ name: 'sessions', watches: records })).toEqual({
      name: 'sessions',
      at: null,
      nodes: [],
      plots: [],
    });
    expect(
      runViews(
        records.map((odd) => ({ ...odd, job: 'purge' })),
        20,
      ),
    ).toHaveLength(records.length);
  });
});

describe('runs', () => {
  it('come newest first with their reason to stop; looks that succeeded stay away', () => {
    const runs = runViews(
      [
        record('counts', 'web', hour, {}),
        record('counts', 'web', 2 * hour, { outcome: 'failed', error }),
        record('purge', 'web', 3 * hour, {
          report: purgeReport(1_200, { stopReason: 'timeBudget', skippedLocked: 3 }),
        }),
        record('purge', 'web', 4 * hour, {
          report: { dryRun: true, wouldDelete: { count: 5_000_000, estimated: true } },
        }),
        record('index', 'web', hour / 2, { report: { outcome: 'building', name: 'by_expiry', percent: 40 } }),
      ],
      10,
    );
    const underWay = record('purge', 'web', hour, { outcome: 'running', parts: 2, report: purgeReport(70) });
    expect(runViews([underWay], 1)).toMatchObject([
      { reason: 'running', meaning: 'part 2 is done; it goes on from the work queue', tone: 'neutral' },
    ]);
    expect(runs.map(({ reason, did, tone }) => [reason, did, tone])).toEqual([
      ['building', 'by_expiry, 40 %', 'neutral'],
      ['firewall', 'Let it in.', 'bad'],
      ['timeBudget', '1,200 deleted in 3 batches, 0 expired left, 3 locked by apps', 'neutral'],
      ['dry run', 'would delete ~5,000,000', 'neutral'],
    ]);
  });
});

describe('a Redis cache', () => {
  it('shows memory against its limit for each node, and the evictions of all', () => {
    const watches = [redisWatch(0, 920_000_000, 4), redisWatch(300_000, 900_000_000, 2)];
    const { nodes, plots } = redisView({ name: 'sessions', watches });
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
    const report = {
      nodes: [
        { node: 'a', up: false, step: 'tls' },
        { node: 'b', up: true, memory: { usedBytes: 2_000, maxBytes: null, utilization: null }, sinceLastLook: null },
      ],
    };
    const { nodes, plots } = redisView({ name: 's', watches: [record('redis', 's', 0, { report })] });
    expect(nodes).toMatchObject([
      { up: false, memory: 'not reached (tls)' },
      { up: true, memory: '2.0 kB, limit unknown', evictions: 'unknown until the next look' },
    ]);
    expect(plots[1]?.summary).toBe('Between 2.0 kB and 2.0 kB; no limit is known.');
  });
});

describe('a key ring', () => {
  it('is a timeline of its keys, and of what happens next, the soonest first', () => {
    const { keys, events, now: position, olderKeys } = ringView(ringOf(ringStatus), now);
    expect(keys.map(({ shortId, state }) => [shortId, state])).toEqual([
      ['bb38a4bf', 'next'],
      ['9d3320ee', 'default'],
      ['5a41b2c3', 'revoked'],
      ['1f0c77aa', 'expired'],
    ]);
    for (const { creation, activation, end } of keys.map(({ span }) => span)) {
      expect([creation, activation, end]).toEqual([creation, activation, end].sort());
      expect(end).toBeLessThanOrEqual(1);
    }
    expect(position).toBeGreaterThan(0);
    expect(position).toBeLessThan(1);
    expect(olderKeys).toBe(0);
    expect(events.map(({ when, what }) => `${when}: ${what}`)).toEqual([
      expect.stringMatching(/^in 10 d: Key 9d3320ee expires/),
      expect.stringMatching(/^in 10 d: Key bb38a4bf becomes active/),
      expect.stringMatching(/^in 86 d: The successor is due: the next run publishes it/),
      expect.stringMatching(/^in 100 d: Key bb38a4bf expires/),
    ]);
  });

  it('says that somebody must act where the ring is only observed, also when that is overdue', () => {
    const { events } = ringView(ringOf({ ...ringStatus, mode: 'observe', nextActionAt: ago(2 * hour) }), now);
    expect(events[0]).toMatchObject({ when: '2 h ago', what: expect.stringContaining('only observed') });
  });

  it('tells the findings of its newest run, and of the run that failed after it', () => {
    const { name, runs } = ringOf({
      ...ringStatus,
      findings: [{ check: 'no_default', level: 'critical', what: 'None.' }],
    });
    const failed = record('rotateKeyRing', 'web', 0, { outcome: 'failed', error });
    const sources = { ...allWell(), rings: [{ name, runs: [failed, ...runs] }] };
    expect(statusView(sources).findings.map(({ level, subject }) => [level, subject])).toEqual([
      ['critical', 'Key ring web, no_default'],
      ['warning', 'rotateKeyRing on web'],
    ]);
  });

  it('gives the advice of each finding; a record of an earlier version has none, and is sent to the runbook', () => {
    const finding = { check: 'clock_skew', level: 'warning', what: 'Clocks differ.' };
    const adviceOf = (findings: object[]) =>
      statusView({ ...allWell(), rings: [ringOf({ ...ringStatus, findings })] }).findings.map(({ advice }) => advice);
    expect(adviceOf([{ ...finding, advice: 'Set the clocks.' }])).toEqual(['Set the clocks.']);
    expect(adviceOf([finding])).toEqual([expect.stringContaining('docs/operations.md')]);
  });

  it('is shown as its newest run found it, whichever job that was', () => {
    const { name, runs } = ringOf(ringStatus);
    const look = record('keyRingStatus', 'web', hour / 2, { report: { ...ringStatus, at: ago(hour / 2), keys: [] } });
    const change = record('rewrapKeyRing', 'web', hour / 4, { report: { outcome: 'rewrapped' } });
    expect(ringView({ name, runs: [...runs, look, change] }, now)).toMatchObject({ at: ago(hour / 2), keys: [] });
    expect(runViews([...runs, look, change], 5).map(({ job, reason }) => [job, reason])).toEqual([
      ['rewrapKeyRing', 'rewrapped'],
      ['rotateKeyRing', 'nothingToDo'],
    ]);
  });

  it('may be unread, empty, or hold times that are none', () => {
    expect(ringView({ name: 'web', runs: [] }, now)).toMatchObject({ at: null, keys: [], events: [] });
    expect(ringView(ringOf({ ...ringStatus, keys: [] }), now)).toMatchObject({ keys: [], events: [{}] });
    const odd = ringStatus.keys.map((key) => ({ ...key, created: 'x', activated: 'y', expires: 'z' }));
    expect(ringView(ringOf({ ...ringStatus, keys: odd }), now).keys[0]?.span).toEqual({
      creation: 0,
      activation: 0,
      end: 0,
    });
  });
});

describe('clears', () => {
  it('are listed among the runs, with why they stopped and what is there now', () => {
    const report = { dryRun: false, stopReason: 'drained', deleted: 1_200, remaining: { count: 3, estimated: false } };
    const clears = [
      record('clear', 'web', hour / 4, { trigger: 'http', requestedBy: { by: 'ann', from: '10.0.0.7' }, report }),
      record('clear', 'sessions', hour / 3, { report: { ...report, stopReason: 'timeBudget', remaining: null } }),
      record('clear', 'sessions', hour / 2, {
        report: { dryRun: true, wouldDelete: { count: 1_203, estimated: true } },
      }),
    ];
    const { runs } = statusView({ ...allWell(), caches: [], clears });
    expect(runs.map(({ job, cache, reason, did }) => [job, cache, reason, did])).toEqual([
      ['clear', 'web', 'drained', '1,200 deleted, 3 left or new'],
      ['clear', 'sessions', 'timeBudget', '1,200 deleted'],
      ['clear', 'sessions', 'dry run', 'would delete ~1,203'],
    ]);
    expect(runs[0]).toMatchObject({ startedBy: 'http, ann from 10.0.0.7', tone: 'good' });
  });
});
