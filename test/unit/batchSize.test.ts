import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchSize, minBatchRows } from '../../src/lib/sql/batchSize.ts';

const targetMs = 200;
const batch = fc.record({
  worked: fc.integer({ min: 0, max: 20_000 }),
  durationMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  hitLocks: fc.boolean(),
});
const maxRows = fc.integer({ min: 1, max: 20_000 });

describe('the batch size', () => {
  it('stays within its limits, grows by at most half, and is a whole number, whatever happens', () => {
    fc.assert(
      fc.property(maxRows, fc.array(batch, { maxLength: 60 }), (most, batches) => {
        const size = new BatchSize({ targetMs, maxRows: most });
        for (const { worked, durationMs, hitLocks } of batches) {
          const before = size.rows;
          size.observe(before, worked, durationMs, hitLocks);
          expect(Number.isInteger(size.rows)).toBe(true);
          expect(size.rows).toBeGreaterThanOrEqual(Math.min(minBatchRows, most));
          expect(size.rows).toBeLessThanOrEqual(most);
          expect(size.rows).toBeLessThanOrEqual(Math.max(before * 1.5, minBatchRows));
        }
      }),
    );
  });

  it('is cut to half at once after locks, or five times the target', () => {
    fc.assert(
      fc.property(maxRows, fc.array(batch, { maxLength: 20 }), fc.boolean(), (most, batches, hitLocks) => {
        const size = new BatchSize({ targetMs, maxRows: most });
        for (const { worked, durationMs } of batches) size.observe(size.rows, worked, durationMs, false);
        const before = size.rows;
        size.observe(before, before, hitLocks ? 1 : 5 * targetMs + 1, hitLocks);
        expect(size.rows).toBe(Math.max(Math.min(minBatchRows, most), Math.floor(before / 2)));
      }),
    );
  });

  it('settles where a batch takes the target time, for any speed of the database', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 40, noNaN: true }), (rowsPerMs) => {
        const size = new BatchSize({ targetMs, maxRows: 1_000_000 });
        for (let index = 0; index < 40; index += 1) size.observe(size.rows, size.rows, size.rows / rowsPerMs, false);
        expect(size.rows / rowsPerMs).toBeGreaterThan(0.9 * targetMs);
        expect(size.rows / rowsPerMs).toBeLessThan(1.1 * targetMs);
      }),
    );
  });

  it('learns nothing from a batch that found few rows', () => {
    const size = new BatchSize({ targetMs, maxRows: 10_000 });
    size.observe(1_000, 3, 150, false);
    expect(size.rows).toBe(1_000);
  });

  it('begins no larger than the engine allows', () => {
    expect(new BatchSize({ targetMs, maxRows: 300 }).rows).toBe(300);
  });
});
