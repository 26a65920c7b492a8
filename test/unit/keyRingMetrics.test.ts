/** What a run on a ring measures. The API's instruments are made when they are imported, so the recorder is there before. */

import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noRecordStore } from '../../src/lib/runs/recordStore.ts';
import { day, idFrom, plainKey } from '../support/ringBuilder.ts';
import { fill, ringFolder, turnableClock } from '../support/testRing.ts';

const points: { name: string; value: number; attributes: Attributes }[] = [];
const instrument = (name: string) => {
  const record = (value: number, attributes: Attributes = {}) => void points.push({ name, value, attributes });
  return { record, add: record };
};
const meter = { createGauge: instrument, createCounter: instrument, createHistogram: instrument };

describe('the metrics of key rings', () => {
  beforeAll(() => void metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider));
  afterAll(() => metrics.disable());

  it('say how many keys there are in each state, how long they last and what was published', async () => {
    const { Maintenance } = await import('../../src/lib/app/maintenance.ts');
    const { readSettings } = await import('../../src/lib/settings/settings.ts');
    const { store, folder, remove } = await ringFolder();
    try {
      const now = Date.parse('2026-06-01T00:00:00Z');
      await fill(store, [plainKey({ id: idFrom(1), creation: now - 80 * day })]);
      const ring = {
        name: 'web',
        mode: 'manage',
        store: { kind: 'folder', path: folder },
        protector: { kind: 'none' },
      };
      const settings = readSettings({ KEY_RINGS: JSON.stringify([ring]) }, 'table');
      const clock = turnableClock(now);
      const maintenance = new Maintenance(settings, () => undefined, noRecordStore, clock);
      await maintenance.keyRings.status('web', 'test');
      await maintenance.keyRings.rotate('web', 'test');
      const last = (name: string, attributes: object = {}) =>
        points.findLast(
          (point) =>
            point.name === name &&
            Object.entries({ ring: 'web', ...attributes }).every(([key, value]) => point.attributes[key] === value),
        )?.value;
      expect(
        ['default', 'next', 'active', 'expired', 'revoked', 'unreadable'].map((state) =>
          last('key_ring.keys', { state }),
        ),
      ).toEqual([1, 1, 0, 0, 0, 0]);
      expect(last('key_ring.default_key.time_to_expiry')).toBe((10 * day) / 1000);
      expect(last('key_ring.newest_key.age')).toBe(0);
      expect(last('key_ring.rotations', { reason: 'successor' })).toBe(1);
    } finally {
      await remove();
    }
  });
});
