/** How fast a run goes: by what is left and the time there is. */
import { describe, expect, it } from 'vitest';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { PurgeLoop } from '../../src/lib/sql/purgeLoop.ts';
import type { Walk } from '../../src/lib/sql/walks.ts';
import { quickPolicy } from '../support/policies.ts';

/** A run over `rows` rows of which a batch deletes 50 a ms, on a clock of its own. */
async function run(rows: number, changes: Partial<typeof quickPolicy> & { expired?: number; maxRows?: number } = {}) {
  let elapsed = 0;
  let left = rows;
  const batches: { rows: number; at: number }[] = [];
  const clock = {
    now: () => new Date(elapsed),
    elapsed: () => elapsed,
    random: () => 0,
    sleep: async (ms: number) => {
      elapsed += ms;
    },
  };
  const walk: Walk = {
    way: 'expiry',
    left: { skippedLocked: 0, kept: [] },
    step: async (limit) => {
      const deleted = Math.min(limit, left);
      if (deleted > 0) batches.push({ rows: deleted, at: elapsed });
      left -= deleted;
      elapsed += deleted / 50;
      return { deleted, worked: deleted, hitLocks: false, finished: deleted === 0 };
    },
  };
  const { expired = rows, maxRows, ...policy } = changes;
  const loop = new PurgeLoop({
    table: { maxBatchRows: 10_000, load: async () => ({ readings: {}, unknown: [] }) } as unknown as CacheTable,
    policy: { ...quickPolicy, batchTargetMs: 200, paceMs: 5_000, ...policy },
    clock,
    walk,
    lock: { isHeld: async () => true, release: async () => undefined },
    request: maxRows === undefined ? {} : { maxRows },
    start: 0,
    deadline: policy.timeBudgetMs ?? 300_000,
    expired: Number.isFinite(expired) ? expired : undefined,
    warnings: new Set(),
  });
  return { stopReason: await loop.run(), elapsed, batches, deleted: loop.result.deleted };
}

const largest = (batches: { rows: number }[]) => Math.max(...batches.map(({ rows }) => rows));

describe('a run with a pace', () => {
  it('takes what half an hour left in batches of 100, and no longer than it has to', async () => {
    const { elapsed, batches, stopReason } = await run(2_000);
    expect(stopReason).toBe('drained');
    expect(batches.map(({ rows }) => rows)).toEqual(Array.from({ length: 20 }, () => 100));
    expect(elapsed).toBeLessThan(1_100);
  });

  it('takes ten times as much in batches as large as its time asks for', async () => {
    const { elapsed, batches, deleted } = await run(20_000);
    expect(deleted).toBe(20_000);
    expect(largest(batches)).toBeLessThanOrEqual(250);
    expect(elapsed).toBeGreaterThan(4_000);
    expect(elapsed).toBeLessThan(5_500);
  });

  it('does not wait behind the last entry', async () => {
    expect((await run(80)).elapsed).toBeLessThan(10);
  });

  it('keeps within the time of the run, where that is shorter', async () => {
    const { elapsed, stopReason } = await run(20_000, { timeBudgetMs: 2_000 });
    expect(stopReason).toBe('drained');
    expect(elapsed).toBeLessThan(2_100);
  });

  it('counts its row limit as all there is', async () => {
    const { batches, deleted } = await run(50_000, { maxRows: 1_000 });
    expect(deleted).toBe(1_000);
    expect(largest(batches)).toBe(100);
  });

  it('goes as fast as it can once more is there than was counted', async () => {
    const { elapsed, deleted } = await run(100_000, { expired: 1_000 });
    expect(deleted).toBe(100_000);
    expect(elapsed).toBeLessThan(5_000);
  });
});

describe('a run without one', () => {
  it.each([
    ['since none is set', { paceMs: 0 }],
    ['since there is a backlog', { expired: Number.POSITIVE_INFINITY }],
  ])('goes as fast as it can (%s)', async (_, changes) => {
    const { elapsed, batches } = await run(40_000, changes);
    expect(elapsed).toBeLessThan(1_000);
    expect(largest(batches)).toBeGreaterThan(1_000);
  });
});
