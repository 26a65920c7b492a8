/** The pure parts of the watch: levels, changes, trends, what is told of keys, and single rules. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Level } from '../../src/lib/level.ts';
import { kindOfKey } from '../../src/lib/redis/keyGroups.ts';
import type { NodeLook } from '../../src/lib/redis/look.ts';
import { readFigures } from '../../src/lib/redis/nodeFigures.ts';
import { changeSince, type NodeReading } from '../../src/lib/redis/rates.ts';
import { levelOf } from '../../src/lib/redis/rules/rule.ts';
import { nodeRules } from '../../src/lib/redis/rules/rules.ts';
import { type NodeSubject, subjectOf } from '../../src/lib/redis/subject.ts';
import { addPoint, growthPerDay, type TrendPoint, timeUntilFull } from '../../src/lib/redis/trend.ts';
import type { RoundTrip } from '../../src/lib/roundTrips.ts';
import { root } from '../support/childProcess.ts';
import { defaultPolicy } from '../support/redisWatch.ts';

describe('a level', () => {
  const memory = { warning: 75, critical: 90, margin: 10 };
  it.each<[number, Level | undefined, Level | undefined]>([
    [75, undefined, undefined],
    [75.1, undefined, 'warning'],
    [91, undefined, 'critical'],
    [81, 'critical', 'critical'],
    [80, 'critical', 'warning'],
    [66, 'critical', 'warning'],
    [66, 'warning', 'warning'],
    [65, 'warning', undefined],
    [85, 'warning', 'warning'],
  ])('of %d per cent after %s is %s', (value, previous, level) => {
    expect(levelOf({ value, ...memory }, previous)).toBe(level);
  });

  it('of a value that is bad when small is left above its threshold', () => {
    const grade = { warning: 50, margin: 10, low: true };
    expect(levelOf({ value: 49, ...grade }, undefined)).toBe('warning');
    expect(levelOf({ value: 59, ...grade }, 'warning')).toBe('warning');
    expect(levelOf({ value: 60, ...grade }, 'warning')).toBeUndefined();
    expect(levelOf({ value: 59, ...grade }, undefined)).toBeUndefined();
  });
});

const now = new Date('2026-01-01T12:00:00Z');
const reading = (changes: Partial<NodeReading> = {}): NodeReading => ({
  at: '2026-01-01T11:55:00Z',
  runId: 'a',
  uptimeSeconds: 1_000,
  counters: { evicted: 10, expired: 20, rejectedConnections: 0, refusedWrites: null, hits: 100, misses: 50 },
  keys: 500,
  ownLookups: { hits: 30, misses: 1 },
  ...changes,
});
const info = (runId: string | undefined, uptime: number, evicted: number, hits = 200) =>
  readFigures(
    `${runId ? `run_id:${runId}\n` : ''}uptime_in_seconds:${uptime}\nevicted_keys:${evicted}\nkeyspace_hits:${hits}\nkeyspace_misses:51\n`,
  );

describe('the change since the last look', () => {
  it.each<[string, Partial<NodeReading>, ReturnType<typeof info>, object]>([
    [
      'of the same server',
      {},
      info('a', 1_300, 25),
      { kind: 'same', seconds: 300, counts: { evicted: 15, hits: 70, misses: 0 } },
    ],
    ['of a server whose counters were reset', {}, info('a', 1_300, 4), { kind: 'same', counts: { evicted: 4 } }],
    ['over a restart', {}, info('b', 60, 7, 9), { kind: 'restarted', seconds: 60, counts: { evicted: 7, hits: 9 } }],
    ['over a failover', {}, info('b', 90_000, 7), { kind: 'failover', counts: { evicted: null, hits: null } }],
    [
      'over a restart without run ids',
      { runId: null },
      info(undefined, 60, 7),
      { kind: 'restarted', counts: { evicted: 7 } },
    ],
    [
      'of the same server without run ids',
      { runId: null },
      info(undefined, 1_300, 12),
      { kind: 'same', counts: { evicted: 2 } },
    ],
  ])('%s', (_, before, figures, expected) => {
    expect(changeSince(reading(before), figures, now)).toMatchObject(expected);
  });

  it('is not known at the first look, or where the clock went back', () => {
    expect(changeSince(undefined, info('a', 1, 1), now)).toBeNull();
    expect(changeSince(reading({ at: '2026-01-01T13:00:00Z' }), info('a', 1, 1), now)).toBeNull();
  });

  it('never has a negative count', () => {
    const counter = fc.option(fc.nat(), { nil: null });
    const counters = fc.record({
      evicted: counter,
      expired: counter,
      rejectedConnections: counter,
      refusedWrites: counter,
      hits: counter,
      misses: counter,
    });
    const id = fc.option(fc.constantFrom('a', 'b'), { nil: null });
    const uptime = fc.option(fc.nat(10_000), { nil: null });
    fc.assert(
      fc.property(counters, counters, id, id, uptime, uptime, (before, after, runId, otherId, up, otherUp) => {
        const figures = { ...info('a', 1, 1), counters: after, runId: otherId, uptimeSeconds: otherUp };
        const change = changeSince(reading({ counters: before, runId, uptimeSeconds: up }), figures, now);
        for (const count of Object.values(change?.counts ?? {}))
          if (count !== null) expect(count).toBeGreaterThanOrEqual(0);
        expect(change?.seconds).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('the trend of the memory', () => {
  const hour = 3_600_000;
  const line = (count: number, each: (index: number) => number) =>
    Array.from({ length: count }, (_, index): TrendPoint => [index * hour, each(index)]);

  it('is the slope that most points agree on', () => {
    const points = line(24, (index) => (index === 10 ? 9_999_999 : 1_000 + index * 100));
    expect(growthPerDay(points, hour)).toBeCloseTo(2_400);
    const last = points.at(-1)?.[1] ?? 0;
    expect(timeUntilFull(points, last + 2_400, 2_400)).toBeCloseTo(86_400_000);
    expect(timeUntilFull(points, last - 1, 2_400)).toBe(0);
    expect(timeUntilFull(points, last + 2_400, -1)).toBeNull();
  });

  it('reaches no farther than 24 times its records', () => {
    const points = line(24, (index) => index * 100);
    expect(timeUntilFull(points, 2_300 + 22 * 2_400, 2_400)).not.toBeNull();
    expect(timeUntilFull(points, 2_300 + 24 * 2_400, 2_400)).toBeNull();
  });

  it('is not told from few points or a short time', () => {
    expect(
      growthPerDay(
        line(3, () => 1),
        hour,
      ),
    ).toBeNull();
    expect(
      growthPerDay(
        line(10, () => 1),
        20 * hour,
      ),
    ).toBeNull();
  });

  it('stays small, keeps its oldest point of two weeks, and its newest', () => {
    let points: TrendPoint[] = [];
    for (let index = 0; index < 3_000; index += 1) {
      points = addPoint(points, [index * 300_000, index]);
      expect(points.length).toBeLessThanOrEqual(60);
    }
    expect(points[0]?.[0]).toBe(0);
    expect(points.at(-1)).toEqual([2_999 * 300_000, 2_999]);
    expect(addPoint(points, [90 * 86_400_000, 5])).toEqual([[90 * 86_400_000, 5]]);
  });
});

describe('a key', () => {
  const oid = '11111111-2222-4333-8444-555555555555';
  const tid = '99999999-2222-4333-8444-555555555555';
  it.each([
    [`${oid}.${tid}`, '', { prefix: '', kind: 'user tokens' }],
    [`${oid}-b2c_1_signin.${tid}`, '', { prefix: '', kind: 'user tokens' }],
    [`Web_${oid}.${tid}`, 'Web_', { prefix: 'Web_', kind: 'user tokens' }],
    [`Web_${oid}.${tid}`, '', { prefix: 'Web_', kind: 'user tokens' }],
    [`Web_${oid}_${tid}_AppTokenCache`, 'Web_', { prefix: 'Web_', kind: 'app tokens' }],
    ['Web_anything', 'Web_', { prefix: 'Web_', kind: 'other' }],
    ['DataProtection-Keys', '', { prefix: 'DataProtection-Keys', kind: 'key ring' }],
    ['session:alice', '', { prefix: 'session:', kind: 'other' }],
    ['alice@contoso.com:session', '', { prefix: '(mixed)', kind: 'other' }],
    ['4915112345678:otp', '', { prefix: '(mixed)', kind: 'other' }],
    [`${oid}:session`, '', { prefix: '(mixed)', kind: 'other' }],
    ['alice', '', { prefix: '(mixed)', kind: 'other' }],
  ])('%s is told as no more than its kind', (key, instanceName, expected) => {
    expect(kindOfKey(key, instanceName, 'DataProtection-Keys')).toEqual(expected);
  });
});

describe('a rule', () => {
  const said = (check: string, text: string, look: Partial<NodeLook> = {}, subject: Partial<NodeSubject> = {}) => {
    const rule = nodeRules.find((each) => each.check === check);
    const whole: NodeLook = {
      figures: readFigures(text),
      persistence: 'unknown',
      pings: [],
      sample: null,
      keyRing: false,
      refused: [],
      ownLookups: { hits: 0, misses: 0 },
      ...look,
    };
    const facts = { database: 0, maxMemoryBytes: undefined, policy: defaultPolicy };
    const made = subjectOf(whole, facts, { stored: undefined, now, resource: undefined, peers: 1 }).subject;
    return rule?.judge({ ...made, ...subject }, defaultPolicy.thresholds, undefined) || undefined;
  };
  const judge = (...of: Parameters<typeof said>) => {
    const judgement = said(...of);
    return judgement && 'level' in judgement ? judgement : undefined;
  };
  const look = (text: string) => ({ keyRing: null, figures: readFigures(text) });

  it.each(nodeRules.map(({ check }) => check))('says what it cannot see: %s', (check) => {
    expect(said(check, '', look(''))).toMatchObject(
      check === 'noMemoryLimit' ? { level: 'info' } : { unseen: expect.any(String) },
    );
  });

  it('survives every part of an INFO that is left out', () => {
    const whole = readFileSync(`${root}/test/fixtures/redis-info/redis-7.0.txt`, 'utf8').split('\n');
    fc.assert(
      fc.property(fc.subarray(whole), (lines) => {
        for (const { check } of nodeRules) {
          const text = JSON.stringify(said(check, '', look(lines.join('\n'))) ?? {});
          expect(text).not.toMatch(/null|NaN|undefined/);
        }
      }),
    );
  });

  const used = (bytes: number, rss: number, ratio: number) =>
    `used_memory:${bytes}\nused_memory_rss:${rss}\nmem_fragmentation_ratio:${ratio}\n`;

  it('of fragmentation asks for real waste', () => {
    expect(judge('fragmentation', used(1e6, 9e6, 9))).toBeUndefined();
    expect(judge('fragmentation', used(1e9, 1.4e9, 1.4))).toBeUndefined();
    expect(judge('fragmentation', used(1e9, 1.6e9, 1.6))).toMatchObject({ level: 'warning' });
  });

  it('of pings takes the 95th percentile', () => {
    const pings = (ms: number, loopDelay = 0) =>
      Array.from({ length: 20 }, (_, index) => ({ ms: index === 19 ? 900 : ms, loopDelay }));
    expect(judge('slowPing', '', { pings: pings(1) })).toBeUndefined();
    expect(judge('slowPing', '', { pings: pings(61) })?.level).toBe('warning');
    expect(judge('slowPing', '', { pings: pings(121) })?.level).toBe('critical');
  });

  it('of pings blames the server for no delay of its own event loop', () => {
    const pings = (ms: number, loopDelay: number) => Array<RoundTrip>(20).fill({ ms, loopDelay });
    const own = judge('slowPing', '', { pings: pings(130, 120) });
    expect(own?.level).toBe('info');
    expect(own?.what).toContain('late by up to 120.0 ms beside them, so the speed of the server was not judged');
    const both = judge('slowPing', '', { pings: pings(180, 120) });
    expect(both?.level).toBe('warning');
    expect(both?.what).toContain('without that they took up to 60.0 ms');
    expect(judge('slowPing', '', { pings: pings(30, 20) })).toBeUndefined();
  });

  it('of persistence leaves a server alone that has a replica, or does not show it', () => {
    const text = 'role:master\nconnected_slaves:';
    expect(judge('persistence', `${text}0\n`, { persistence: 'none' })?.level).toBe('warning');
    expect(judge('persistence', `${text}1\n`, { persistence: 'none' })).toBeUndefined();
    expect(judge('persistence', `${text}0\n`, { persistence: 'unknown' })).toBeUndefined();
    expect(judge('persistence', 'role:master\n', { persistence: 'none' })).toBeUndefined();
  });

  it('of clients goes by the limit', () => {
    expect(judge('clients', 'connected_clients:79\nmaxclients:100\n')).toBeUndefined();
    expect(judge('clients', 'connected_clients:81\nmaxclients:100\n')?.level).toBe('warning');
    expect(judge('clients', 'connected_clients:96\nmaxclients:100\n')?.level).toBe('critical');
    expect(judge('clients', 'connected_clients:96\n')).toBeUndefined();
  });

  it.each([
    ['maxmemory:0\n', 'warning'],
    ['maxmemory:1000\n', undefined],
    ['', 'info'],
  ])('of the memory limit takes %j', (text, level) => {
    expect(judge('noMemoryLimit', text)?.level).toBe(level);
  });

  it('of failed saves and lost links', () => {
    expect(judge('saveFailed', 'rdb_last_bgsave_status:err\n')?.level).toBe('warning');
    expect(judge('saveFailed', 'rdb_last_bgsave_status:ok\n')).toBeUndefined();
    expect(judge('replicationLink', 'role:slave\nmaster_link_status:up\n')).toBeUndefined();
  });

  it('of a check stands in the table once', () => {
    const checks = nodeRules.map(({ check }) => check);
    expect(new Set(checks).size).toBe(checks.length);
  });
});
