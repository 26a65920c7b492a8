/** The bounds of the sample of keys, on readers that behave as services do which cannot be had here. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { sampleKeys } from '../../src/lib/redis/keySample.ts';
import type { KeyReader } from '../../src/lib/redis/redisNode.ts';
import { RefusedError } from '../../src/lib/redis/unreachable.ts';
import { steppingClock } from '../support/policies.ts';

const limits = { calls: 8, keysPerCall: 10, timeMs: 60_000 };
const context = { instanceName: '', keyRingKey: 'DataProtection-Keys', limits, clock: systemClock, random: () => 0.5 };

/** Keys `k:0`, `k:1`, … in the order of their cursors; every second one has no expiry. */
function reader(changes: Partial<KeyReader> = {}): KeyReader & { cursors: string[] } {
  const cursors: string[] = [];
  return {
    cursors,
    scan: async (cursor, count) => {
      cursors.push(cursor);
      const start = Number(cursor);
      return { cursor: String(start + count), keys: Array.from({ length: count }, (_, index) => `k:${start + index}`) };
    },
    timesToLive: async (keys) => keys.map((key) => (Number(key.slice(2)) % 2 === 0 ? -1 : 1_000)),
    type: async () => 'none',
    ...changes,
  };
}

describe('a sample of keys', () => {
  it('begins in each of as many equal parts of the table as it makes calls', async () => {
    const keys = reader();
    const sample = await sampleKeys(keys, 1_000, context);
    expect(keys.cursors).toEqual([64, 192, 320, 448, 576, 704, 832, 960].map(String));
    expect(sample).toMatchObject({ keys: 80, complete: false, lookups: 80 });
    expect(sample.groups).toEqual([{ prefix: 'k:', kind: 'other', keys: 80, withoutTtl: 40 }]);
  });

  it('walks a small table from its beginning to its end', async () => {
    const keys = reader({ scan: async (cursor) => ({ cursor: cursor === '0' ? '7' : '0', keys: [`k:${cursor}`] }) });
    expect(await sampleKeys(keys, 2, context)).toMatchObject({ keys: 2, complete: true });
  });

  it('counts a key once, and none that is gone', async () => {
    const keys = reader({
      scan: async () => ({ cursor: '5', keys: ['k:1', 'k:2', 'k:1'] }),
      timesToLive: async (asked) => asked.map((key) => (key === 'k:2' ? -2 : 5)),
    });
    expect((await sampleKeys(keys, 1_000, context)).keys).toBe(1);
  });

  it('walks from the beginning where a service takes no cursor but its own', async () => {
    const own = reader();
    const scan: KeyReader['scan'] = async (cursor, count) => {
      if (cursor !== '0' && !own.cursors.includes('0')) throw new RefusedError('SCAN', 'invalid cursor');
      return own.scan(cursor, count);
    };
    const sample = await sampleKeys(reader({ scan }), 1_000, context);
    expect(own.cursors.slice(0, 2)).toEqual(['0', '10']);
    expect(sample.keys).toBe(70);
  });

  it('walks from the beginning where nothing is found at cursors that a service does not know', async () => {
    const cursors: string[] = [];
    const scan: KeyReader['scan'] = async (cursor) => {
      cursors.push(cursor);
      return cursor === '0' ? { cursor: '1', keys: ['k:1'] } : { cursor: '0', keys: [] };
    };
    expect((await sampleKeys(reader({ scan }), 1_000, context)).keys).toBe(1);
    expect(cursors[3]).toBe('0');
  });

  it('passes on what is refused from the beginning on', async () => {
    const scan = () => Promise.reject(new RefusedError('SCAN', 'no right'));
    await expect(sampleKeys(reader({ scan }), 1_000, context)).rejects.toBeInstanceOf(RefusedError);
  });

  it('ends after its time, and takes no more of one answer than its bound', async () => {
    const late = reader();
    await sampleKeys(late, 1_000, { ...context, clock: steppingClock(25_000) });
    expect(late.cursors.length).toBeLessThan(4);
    const huge = reader({
      scan: async () => ({ cursor: '1', keys: Array.from({ length: 9_000 }, (_, i) => `k:${i}`) }),
    });
    expect((await sampleKeys(huge, 1_000, { ...context, limits: { ...limits, calls: 1 } })).lookups).toBe(40);
  });
});
