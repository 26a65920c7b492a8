/** What of a watch is exported, by a meter that keeps what it is told. */
import { type Attributes, type Meter, type MeterProvider, metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeUp, WatchFinding, WatchReport } from '../../src/lib/redis/watchReport.ts';

type Point = [name: string, value: number, attributes: Attributes];

describe('the metrics of a watch', () => {
  const points: Point[] = [];
  const instrument = (name: string) => {
    const keep = (value: number, attributes: Attributes) => void points.push([name, value, attributes]);
    return { record: keep, add: keep };
  };
  let measureWatch: typeof import('../../src/lib/redis/watchMetrics.ts').measureWatch;

  beforeAll(async () => {
    const meter = { createGauge: instrument, createCounter: instrument, createHistogram: instrument };
    const provider: MeterProvider = { getMeter: () => meter as unknown as Meter };
    metrics.setGlobalMeterProvider(provider);
    // The instruments are made with the module.
    ({ measureWatch } = await import('../../src/lib/redis/watchMetrics.ts'));
  });
  beforeEach(() => void points.splice(0));
  afterAll(() => metrics.disable());

  const counters = { evicted: 7, expired: 3, rejectedConnections: null, refusedWrites: null, hits: null, misses: null };
  const up = {
    node: 'a:6379',
    up: true,
    memory: { usedBytes: 50, maxBytes: 100, utilization: 0.5, fragmentationRatio: null },
    keysWithoutTtlRatio: 0.25,
    hitRatio: null,
    sinceLastLook: { counts: counters },
  } as unknown as NodeUp;
  const finding = { check: 'memory', level: 'critical', node: 'a:6379' } as WatchFinding;
  const report: WatchReport = {
    dryRun: false,
    deployment: 'replicated',
    database: 0,
    level: 'critical',
    findings: [finding, { ...finding, node: 'b:6379' }],
    nodes: [up, { node: 'b:6379', up: false, step: 'tcp' }],
  };
  const of = (name: string) =>
    points.filter(([each]) => each === name).map(([, value, attributes]) => [value, attributes]);

  it('say which nodes are up, and what is known of those', () => {
    measureWatch('web', report);
    const a = { cache: 'web', node: 'a:6379' };
    expect(of('redis.up')).toEqual([
      [1, a],
      [0, { cache: 'web', node: 'b:6379' }],
    ]);
    expect(of('redis.memory.utilization')).toEqual([[0.5, a]]);
    expect(of('redis.memory.max')).toEqual([[100, a]]);
    expect(of('redis.keys.without_ttl.ratio')).toEqual([[0.25, a]]);
    expect(of('redis.keys.evicted')).toEqual([[7, a]]);
    expect(of('redis.keys.expired')).toEqual([[3, a]]);
    expect(of('redis.memory.fragmentation_ratio')).toEqual([]);
    expect(of('redis.keyspace.hit_ratio')).toEqual([]);
  });

  it('leave the findings to the judges', () => {
    measureWatch('web', report);
    expect(of('maintenance.findings')).toEqual([]);
  });

  it('say that what was away has recovered, under the name that it was away by', () => {
    measureWatch('web', { ...report, recovered: ['c:6379'] });
    expect(of('redis.up')).toContainEqual([1, { cache: 'web', node: 'c:6379' }]);
  });

  it('count no key twice for a dry run', () => {
    measureWatch('web', { ...report, dryRun: true });
    expect(of('redis.keys.evicted')).toEqual([]);
    expect(of('redis.up')).toHaveLength(2);
  });
});
