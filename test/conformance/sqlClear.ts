/** What a clear promises on every engine, on the real adapter. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClearRequest } from '../../src/lib/clearRequest.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { type ClearHooks, clearTable } from '../../src/lib/sql/clear.ts';
import type { ClearPlan, ClearReport } from '../../src/lib/sql/clearReport.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { indexPolicy, overriding, quickPolicy, steppingClock } from '../support/policies.ts';
import type { TestEngine, TestTable } from '../support/testTable.ts';

const hour = 3_600_000;
const confirmed = { confirm: 'web' };

export function describeSqlClear(engine: TestEngine): void {
  describe.each([
    ['with the expiry index', true],
    ['without an expiry index', false],
  ])(`a clear on ${engine.name}, %s`, (_, indexed) => {
    let table: TestTable;
    let opened: CacheTable[];
    const open = () => {
      const cache = table.open();
      opened.push(cache);
      return cache;
    };
    const clear = async (request: ClearRequest, hooks: ClearHooks = {}, clock = systemClock) =>
      (await clearTable({ table: open(), policy: quickPolicy, clock }, 'web', request, hooks)) as ClearReport;

    beforeEach(async () => {
      opened = [];
      table = await engine.create(engine.ordinaryName);
      await table.insert([
        ...Array.from({ length: 1_200 }, (_unused, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
        ...Array.from({ length: 800 }, (_unused, index) => ({ id: `a${index}`, expiresInMs: hour + index * 1_000 })),
      ]);
      if (indexed) await ensureExpiryIndex(open(), indexPolicy, systemClock);
    });
    afterEach(async () => {
      await Promise.all(opened.map((cache) => cache.close()));
      await engine.drop(engine.ordinaryName);
    });

    it('is a plan unless confirmed, and then says how many entries there are and how many are alive', async () => {
      const held = await open().tryLock('purge');
      const plan = (await clearTable({ table: open(), policy: quickPolicy, clock: systemClock }, 'web')) as ClearPlan;
      expect(plan).toMatchObject({
        dryRun: true,
        wouldDelete: { count: 2_000, estimated: false },
        active: { count: 800, estimated: false },
        way: indexed ? 'expiry' : 'key',
      });
      expect(plan.statement).toMatch(/^(SET|DELETE)/i);
      await held?.release();
      expect(await table.ids()).toHaveLength(2_000);
    });

    it('deletes every entry, the one of the largest expiry too', async () => {
      const report = await clear(confirmed);
      expect(report).toMatchObject({
        dryRun: false,
        stopReason: 'drained',
        deleted: 2_000,
        remaining: { count: 0 },
        newer: { count: 0 },
        way: indexed ? 'expiry' : 'key',
      });
      expect(report.upTo).toMatch(/^\d{4}-/);
      expect(report.batches).toBeGreaterThan(1);
      expect(await table.ids()).toEqual([]);
      expect(await clear(confirmed)).toMatchObject({ stopReason: 'drained', deleted: 0, upTo: null });
    });

    it('deletes entries that never expire, as .NET writes it: at the last moment of the year 9999', async () => {
      const never = Date.UTC(9999, 11, 31, 23, 59, 59) - Date.now();
      await table.insert([
        { id: 'never', expiresInMs: never },
        { id: 'nor this', expiresInMs: never },
      ]);
      expect(await clear(confirmed)).toMatchObject({ stopReason: 'drained', deleted: 2_002, remaining: { count: 0 } });
      expect(await table.ids()).toEqual([]);
    });

    it('leaves entries that are written meanwhile with a later expiry, and counts them', async () => {
      const cache = afterLatest(open(), () => table.insert([{ id: 'z-new', expiresInMs: 48 * hour }]));
      const report = (await clearTable(
        { table: cache, policy: quickPolicy, clock: systemClock },
        'web',
        confirmed,
      )) as ClearReport;
      expect(report.stopReason).toBe('drained');
      expect(await table.ids()).toEqual(['z-new']);
      expect(report).toMatchObject({ deleted: 2_000, remaining: { count: 1 }, newer: { count: 1 } });
    });

    it('ends though an app writes entries behind it without end', async () => {
      let count = 0;
      const writes: Promise<void>[] = [];
      const report = await clear(confirmed, {
        onBatch: () => {
          count += 1;
          writes.push(table.insert([{ id: `0-${count}`, expiresInMs: -2 * hour }]));
        },
      });
      await Promise.all(writes);
      expect(report.stopReason).toBe('drained');
      expect((await table.ids()).filter((id) => !id.startsWith('0-'))).toEqual([]);
    });

    it('refuses another confirmation than the name of the cache', async () => {
      await expect(clear({ confirm: 'other' })).rejects.toMatchObject({ code: 'confirmation_wrong' });
      await expect(clear({ confirm: '' })).rejects.toMatchObject({ code: 'confirmation_wrong' });
      expect(await table.ids()).toHaveLength(2_000);
    });

    it.skipIf(engine.lacks?.includes('application locks'))(
      'answers busy at once while a purge holds the table',
      async () => {
        const held = await open().tryLock('purge');
        expect(await clear(confirmed)).toMatchObject({ stopReason: 'busy', deleted: 0 });
        await held?.release();
        expect(await table.ids()).toHaveLength(2_000);
      },
    );

    it('stops at its budget and when asked to, and says what is left', async () => {
      const timed = await clear({ ...confirmed, timeBudgetMs: 2_000 }, {}, steppingClock(300));
      expect(timed).toMatchObject({ stopReason: 'timeBudget', remaining: { count: 2_000 - timed.deleted } });
      const stop = new AbortController();
      const report = await clear({ ...confirmed, signal: stop.signal, onProgress: () => stop.abort() });
      expect(report).toMatchObject({ stopReason: 'aborted', batches: 1 });
      expect(await table.ids()).toHaveLength(2_000 - timed.deleted - report.deleted);
    });

    it.skipIf(engine.lacks?.includes('READPAST'))(
      'passes over entries that an app holds locked, and counts them',
      async () => {
        const unlock = await table.lock(['a7', 'e3']);
        const report = await clear(confirmed);
        await unlock();
        expect(report).toMatchObject({
          stopReason: 'drained',
          deleted: 1_998,
          skippedLocked: 2,
          remaining: { count: 2 },
        });
        expect(await table.ids()).toEqual(['a7', 'e3']);
      },
    );
  });
}

/** The cache, with something done once the clear knows how far it goes. */
function afterLatest(cache: CacheTable, then: () => Promise<void>): CacheTable {
  const entries = new Proxy(cache.entries, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== 'latestExpiry') return typeof value === 'function' ? value.bind(target) : value;
      return async () => {
        const latest = await target.latestExpiry();
        await then();
        return latest;
      };
    },
  });
  return overriding(cache, { entries });
}
