/**
 * What every adapter of the port CacheTable must do; each engine's own test file is a few lines that call this. What
 * belongs to one engine alone (how an index build is continued, say) does not stand here.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import type { CacheTable, ExpiryRange } from '../../src/lib/sql/cacheTable.ts';
import type { TestEngine, TestTable } from '../support/testTable.ts';

const hour = 3_600_000;
const indexName = 'IX_TokenCache_ExpiresAtTime';
const build = { name: indexName, timeBudgetMs: 60_000, offlineRowLimit: Number.POSITIVE_INFINITY };

export function describeCacheTable(engine: TestEngine): void {
  describe.each([
    ['an ordinary name', engine.ordinaryName],
    ['a hostile name', engine.hostileName],
  ])(`the cache table on ${engine.name}, with %s`, (_, name) => {
    let table: TestTable;
    let opened: CacheTable[];
    const open = () => {
      const cache = table.open();
      opened.push(cache);
      return cache;
    };

    beforeEach(async () => {
      opened = [];
      table = await engine.create(name);
    });
    afterEach(async () => {
      await Promise.all(opened.map((cache) => cache.close()));
      await engine.drop(name);
    });

    /** A table with the expiry index, and the cut-off of now. */
    const indexed = async () => {
      const cache = open();
      await cache.expiryIndex.build({ kind: 'missing' }, build);
      return { cache, entries: cache.entries, cutoff: await cache.clock() };
    };
    const range = async (found: Promise<ExpiryRange[]>) => {
      const [value] = await found;
      if (!value) throw new Error('no range where one was expected');
      return value;
    };

    describe('first contact', () => {
      it('tells the time of the database', async () => {
        expect(Math.abs((await open().clock()).getTime() - Date.now())).toBeLessThan(60_000);
      });

      it.skipIf(engine.lacks?.includes('error numbers'))('says that the table is missing', async () => {
        await engine.drop(name);
        await expect(open().clock()).rejects.toMatchObject({ code: 'table_missing', kind: 'permanent' });
      });

      it.skipIf(engine.lacks?.includes('error numbers'))('says that a column is missing', async () => {
        table = await engine.create(name, { columns: 'withoutExpiry' });
        await expect(open().clock()).rejects.toMatchObject({ code: 'column_missing', kind: 'permanent' });
      });
    });

    describe('ranges by expiry', () => {
      it('come oldest first, each at most as long as asked, none alive', async () => {
        await table.insert([
          { id: 'old', expiresInMs: -3 * hour },
          { id: 'older', expiresInMs: -4 * hour },
          { id: 'young', expiresInMs: -2 * hour },
          { id: 'alive', expiresInMs: hour },
        ]);
        const { entries, cutoff } = await indexed();
        const first = await range(entries.nextRanges(undefined, cutoff, 2, 1));
        expect(first).toMatchObject({ rows: 2, tied: false, after: undefined });
        const second = await range(entries.nextRanges(first.upTo, cutoff, 2, 1));
        expect(second).toMatchObject({ rows: 1, tied: false });
        expect(await entries.nextRanges(second.upTo, cutoff, 2, 1)).toEqual([]);
        expect(await entries.deleteRange(first, cutoff, 2)).toMatchObject({ deleted: 2 });
        expect(await table.ids()).toEqual(['alive', 'young']);
      });

      it('come several at once, each after the one before, up to one whose expiry goes on beyond it', async () => {
        await table.insert(
          [-9, -8, -7, -6, -5, -4, -4, -4, -3].map((h, n) => ({ id: `e${n}`, expiresInMs: h * hour })),
        );
        const { entries, cutoff } = await indexed();
        const ranges = await entries.nextRanges(undefined, cutoff, 2, 4);
        expect(ranges.map(({ rows, tied }) => [rows, tied])).toEqual([
          [2, false],
          [2, false],
          [2, true],
        ]);
        expect(ranges.map(({ after }) => after)).toEqual([undefined, ranges[0]?.upTo, ranges[1]?.upTo]);
        expect(await entries.nextRanges(undefined, cutoff, 2, 2)).toHaveLength(2);
        for (const each of ranges.slice(0, 2)) expect((await entries.deleteRange(each, cutoff, 2)).deleted).toBe(2);
        expect(await table.ids()).toEqual(['e4', 'e5', 'e6', 'e7', 'e8']);
      });

      it('keep expiries apart that differ by the least that the engine stores', async () => {
        await table.insert(
          [0, 1, 2, 3].map((step) => ({ id: `e${step}`, expiresInMs: -hour + step * engine.resolutionMs })),
        );
        const { entries, cutoff } = await indexed();
        let after: ExpiryRange['after'];
        for (const id of ['e0', 'e1', 'e2', 'e3']) {
          const next = await range(entries.nextRanges(after, cutoff, 1, 1));
          expect(next).toMatchObject({ rows: 1, tied: false });
          await entries.deleteRange(next, cutoff, 1);
          expect(await table.ids()).not.toContain(id);
          after = next.upTo;
        }
        expect(await table.ids()).toEqual([]);
      });

      it('are deleted only up to the limit where many entries share one expiry', async () => {
        await table.insert(Array.from({ length: 25 }, (_unused, index) => ({ id: `e${index}`, expiresInMs: -hour })));
        const { entries, cutoff } = await indexed();
        const tied = await range(entries.nextRanges(undefined, cutoff, 10, 1));
        expect(tied).toMatchObject({ rows: 10, tied: true });
        expect((await entries.deleteRange(tied, cutoff, 10)).deleted).toBe(10);
        expect(await table.ids()).toHaveLength(15);
      });

      it('leave an entry alone that was revived after the look', async () => {
        await table.insert([
          { id: 'gone', expiresInMs: -2 * hour },
          { id: 'revived', expiresInMs: -2 * hour },
        ]);
        const { entries, cutoff } = await indexed();
        const both = await range(entries.nextRanges(undefined, cutoff, 10, 1));
        await table.setExpiry('revived', hour);
        expect((await entries.deleteRange(both, cutoff, 10)).deleted).toBe(1);
        expect(await table.ids()).toEqual(['revived']);
      });

      it('never cover a live entry, even with a cut-off in the future', async () => {
        await table.insert([
          { id: 'alive', expiresInMs: hour },
          { id: 'expired', expiresInMs: -hour },
        ]);
        const { entries, cutoff } = await indexed();
        const future = new Date(cutoff.getTime() + 24 * hour);
        const wrong = await range(entries.nextRanges(undefined, future, 10, 1));
        expect((await entries.deleteRange(wrong, future, 10)).deleted).toBe(1);
        const keys = await entries.nextKeyRange(undefined, 10);
        if (keys) await entries.deleteKeyRange(keys, future);
        expect(await table.ids()).toEqual(['alive']);
      });

      it.skipIf(engine.lacks?.includes('READPAST'))(
        'are deleted but for the entries that an app holds locked',
        async () => {
          await table.insert(
            Array.from({ length: 10 }, (_unused, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
          );
          const { entries, cutoff } = await indexed();
          const unlock = await table.lock(['e3', 'e7']);
          const all = await range(entries.nextRanges(undefined, cutoff, 100, 1));
          expect((await entries.deleteRange(all, cutoff, 100)).deleted).toBe(8);
          expect(await table.ids()).toEqual(['e3', 'e7']);
          await unlock();
        },
      );
    });

    describe('ranges by primary key', () => {
      it('cover the whole table, and lose expired entries alone', async () => {
        await table.insert(
          Array.from({ length: 20 }, (_unused, index) => ({
            id: `e${index}`,
            expiresInMs: index % 2 === 0 ? -hour : hour,
          })),
        );
        const { entries } = open();
        const cutoff = new Date();
        let after: string | undefined;
        let ranges = 0;
        for (let next = await entries.nextKeyRange(after, 6); next; next = await entries.nextKeyRange(after, 6)) {
          expect(await entries.deleteKeyRange(next, cutoff)).toMatchObject({ skipped: 0 });
          after = next.upTo;
          ranges += 1;
        }
        expect(ranges).toBe(4);
        expect(await table.ids()).toEqual(Array.from({ length: 10 }, (_unused, index) => `e${2 * index + 1}`).sort());
      });

      it.skipIf(engine.lacks?.includes('READPAST'))('say how many expired entries they left locked', async () => {
        await table.insert(Array.from({ length: 6 }, (_unused, index) => ({ id: `e${index}`, expiresInMs: -hour })));
        const { entries } = open();
        const unlock = await table.lock(['e2']);
        const keys = await entries.nextKeyRange(undefined, 10);
        expect(keys && (await entries.deleteKeyRange(keys, new Date()))).toMatchObject({ deleted: 5, skipped: 1 });
        await unlock();
      });
    });

    describe('the lock of a run', () => {
      it.skipIf(engine.lacks?.includes('application locks'))('is held by one at a time, for each purpose', async () => {
        const [one, two] = [open(), open()];
        const held = await one.tryLock('purge');
        expect(await held?.isHeld()).toBe(true);
        expect(await two.tryLock('purge')).toBeUndefined();
        // Asked by anybody, and by the holder itself; asking takes nothing.
        for (const table of [one, two]) {
          expect(await table.isLocked('purge')).toBe(true);
          expect(await table.isLocked('index')).toBe(false);
        }
        const other = await two.tryLock('index');
        expect(other).toBeDefined();
        await other?.release();
        await held?.release();
        expect(await two.isLocked('purge')).toBe(false);
        const after = await two.tryLock('purge');
        expect(after).toBeDefined();
        await after?.release();
      });
    });

    describe('the expiry index', () => {
      it('is missing at first, then built under the given name', async () => {
        const { expiryIndex } = open();
        expect(await expiryIndex.state()).toEqual({ kind: 'missing' });
        await expiryIndex.build({ kind: 'missing' }, build);
        expect(await expiryIndex.state()).toMatchObject({ kind: 'present' });
        expect(await table.indexNames()).toHaveLength(1);
      });

      it('counts under any name when it leads with the expiry', async () => {
        await table.createIndex('by_expiry', ['ExpiresAtTime', 'SlidingExpirationInSeconds']);
        expect(await open().expiryIndex.state()).toMatchObject({ kind: 'present' });
      });

      it('does not count when the expiry comes second', async () => {
        await table.createIndex('by_sliding', ['SlidingExpirationInSeconds', 'ExpiresAtTime']);
        expect(await open().expiryIndex.state()).toEqual({ kind: 'missing' });
      });

      it.skipIf(engine.lacks?.includes('error numbers'))(
        'is one index after two creators at once, without an error',
        async () => {
          await table.insert(
            Array.from({ length: 2_000 }, (_unused, index) => ({ id: `e${index}`, expiresInMs: index - hour })),
          );
          const caches = [open(), open()];
          await Promise.all(caches.map((cache) => cache.expiryIndex.build({ kind: 'missing' }, build)));
          expect(await open().expiryIndex.state()).toMatchObject({ kind: 'present' });
          expect(await table.indexNames()).toHaveLength(1);
        },
      );

      it.skipIf(engine.lacks?.includes('error numbers'))('says that its name is taken by another index', async () => {
        await table.createIndex(indexName, ['SlidingExpirationInSeconds']);
        await expect(open().expiryIndex.build({ kind: 'missing' }, build)).rejects.toMatchObject({
          code: 'index_name_taken',
        });
      });
    });

    describe('figures', () => {
      beforeEach(() =>
        table.insert([
          ...Array.from({ length: 30 }, (_unused, index) => ({
            id: `x${index}`,
            expiresInMs: -hour - index,
            size: 2_000 + index,
          })),
          ...Array.from({ length: 12 }, (_unused, index) => ({ id: `a${index}`, expiresInMs: hour, size: 5_000 })),
        ]),
      );

      it('count within bounds, and no further than the limit', async () => {
        const { figures, clock } = (() => {
          const cache = open();
          return { figures: cache.figures, clock: () => cache.clock() };
        })();
        const now = await clock();
        expect(await figures.countUpTo({}, 1_000, 10_000)).toBe(42);
        expect(await figures.countUpTo({ before: now }, 1_000, 10_000)).toBe(30);
        expect(await figures.countUpTo({ from: now, before: new Date(now.getTime() + 2 * hour) }, 1_000, 10_000)).toBe(
          12,
        );
        expect(await figures.countUpTo({ before: now }, 7, 10_000)).toBe(7);
      });

      it('see by the index what has expired, up to a limit', async () => {
        const cache = open();
        const state = await cache.expiryIndex.state();
        await cache.expiryIndex.build(state, { timeBudgetMs: 60_000, offlineRowLimit: 1_000 });
        const now = await cache.clock();
        const { oldest, rows } = await cache.figures.backlog(now, 1_000);
        expect(rows).toBe(30);
        expect(now.getTime() - (oldest?.getTime() ?? 0)).toBeGreaterThanOrEqual(hour);
        expect((await cache.figures.backlog(now, 7)).rows).toBe(7);
        expect((await cache.figures.backlog(new Date(now.getTime() - 100 * hour), 7)).rows).toBe(0);
      });

      it('find the oldest expiry', async () => {
        const cache = open();
        const oldest = await cache.figures.oldestExpiry(10_000);
        const age = (await cache.clock()).getTime() - (oldest?.getTime() ?? 0);
        expect(age).toBeGreaterThanOrEqual(hour);
        expect(age).toBeLessThan(2 * hour);
      });

      it('count unexpired entries by what their values begin with', async () => {
        const { figures } = open();
        const [row, ...others] = (await figures.countByHeader(Buffer.from('xxxx'), 10_000)) ?? [];
        expect(others).toEqual([]);
        expect(row?.entries).toBe(12);
        expect(Buffer.from(row?.header ?? []).toString()).toBe('x'.repeat(20));
        expect(await figures.countByHeader(Buffer.from('y'), 10_000)).toEqual([]);
      });

      it('find until when the longest-lived entry can live', async () => {
        const { figures, entries } = open();
        const until = await figures.longestLivedUntil(10_000);
        expect(Math.abs((until?.getTime() ?? 0) - Date.now() - hour)).toBeLessThan(60_000);
        await table.insert([{ id: 'long', expiresInMs: 1_000 * hour }]);
        const later = await figures.longestLivedUntil(10_000);
        expect(Math.abs((later?.getTime() ?? 0) - Date.now() - 1_000 * hour)).toBeLessThan(60_000);
        expect(Math.abs(((await entries.latestExpiry())?.at?.getTime() ?? 0) - (later?.getTime() ?? 0))).toBeLessThan(
          2,
        );
      });

      it('sample sizes in bytes', async () => {
        const { sizes, expiries } = await open().figures.sample(1_000);
        expect(sizes.length).toBeGreaterThan(0);
        for (const size of sizes) expect(size === 5_000 || (size >= 2_000 && size < 2_030)).toBe(true);
        expect(expiries).toHaveLength(sizes.length);
        for (const expiry of expiries) expect(Math.abs(expiry - Date.now())).toBeLessThan(10_000 * hour);
        const headers = await open().figures.sampleHeaders(1_000);
        expect(headers).toHaveLength(sizes.length);
        expect(headers.map((header) => Buffer.from(header).toString()).filter(Boolean)).toEqual(
          Array.from({ length: 12 }, () => 'x'.repeat(20)),
        );
      });

      it('sample what unexpired, encrypted entries begin with, and nothing of others', async () => {
        const [a, b] = ['a', 'b'].map((digit) => headerOf(digit.repeat(32))) as [string, string];
        const entry = (header: string) => Buffer.concat([Buffer.from(header, 'hex'), Buffer.alloc(5_000, 'secret')]);
        const values = [entry(a), entry(a), entry(b), entry(b).subarray(0, 19), Buffer.alloc(0)];
        await table.insert(values.map((value, index) => ({ id: `key${index}`, expiresInMs: hour, value })));
        await table.insert([{ id: 'gone', expiresInMs: -hour, value: entry(b) }]);
        const { headers } = await open().figures.sample(1_000, 1_000);
        const found = headers.map(({ header, entries }) => [Buffer.from(header).toString('hex'), entries]);
        expect(new Map(found as [string, number][])).toEqual(
          new Map([
            [a, 2],
            [b, 1],
          ]),
        );
      });
    });
  });
}
