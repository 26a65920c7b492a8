/** What a purge measures of the web app's own. The API's instruments are made when they are imported, so the recorder is there before. */
import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AppPurge } from '../../src/lib/sqlCache/cacheTable.ts';
import type { PurgeReport } from '../../src/lib/sqlCache/purgeReport.ts';

const points: { name: string; value: number; attributes: Attributes }[] = [];
const instrument = (name: string) => {
  const record = (value: number, attributes: Attributes = {}) => void points.push({ name, value, attributes });
  return { record, add: record };
};
const meter = { createGauge: instrument, createCounter: instrument, createHistogram: instrument };

describe('the metrics of a purge', () => {
  beforeAll(() => void metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider));
  afterEach(() => void points.splice(0));
  afterAll(() => metrics.disable());

  const measured = async (appPurge: AppPurge | null) => {
    const { measurePurge } = await import('../../src/lib/sqlCache/sqlCacheMetrics.ts');
    measurePurge('web', 'timer', { dryRun: false, deleted: 5, appPurge } as PurgeReport);
    return points.filter(({ name }) => name === 'maintenance.findings');
  };
  const running: AppPurge = {
    state: 'running',
    lastRunAt: '2026-06-01T00:00:00Z',
    lastDuration: 'PT1S',
    lastOutcome: 'done',
    longest: 'PT2S',
    runs: 3,
  };
  const attributes = { check: 'appPurge', level: 'warning', subject: 'web' };

  it('say that a web app still purges', async () => {
    expect(await measured(running)).toEqual([{ name: 'maintenance.findings', value: 1, attributes }]);
  });

  it('say so no longer once it has stopped', async () => {
    expect(await measured({ ...running, state: 'stopped' })).toMatchObject([{ value: 0, attributes }]);
    points.splice(0);
    expect(await measured({ state: 'notSeen' })).toMatchObject([{ value: 0, attributes }]);
  });

  it('say nothing where nothing is known', async () => {
    expect(await measured(null)).toEqual([]);
    expect(await measured({ state: 'unknown', reason: 'Query Store is off' })).toEqual([]);
  });
});
