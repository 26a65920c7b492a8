/**
 * What the jobs promise on every engine, run on the real adapter. Concurrency with apps, killed processes and rights are
 * each engine's own and stand in its integration tests.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { headerOf } from '../../src/lib/payloadHeader.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { CacheTableError } from '../../src/lib/sql/cacheTableError.ts';
import { countEntries, countsReport } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import { purgeReport } from '../../src/lib/sql/purgeReport.ts';
import type { PurgeContext, PurgeRequest } from '../../src/lib/sql/purgeRequest.ts';
import { indexPolicy, memoryPosition, overriding, purgeContext, steppingClock } from '../support/policies.ts';
import type { TestEngine, TestTable } from '../support/testTable.ts';

const minute = 60_000;
const hour = 60 * minute;

export function describeSqlJobs(engine: TestEngine): void {
  describe(`the jobs on ${engine.name}`, () => {
    let table: TestTable;
    let opened: CacheTable[];
    const open = () => {
      const cache = table.open();
      opened.push(cache);
      return cache;
    };
    const run = async (context: PurgeContext, request: PurgeRequest = {}) =>
      purgeReport.parse(await purge(context, request));

    /** Expired entries e0…, each a second older than the one before, and live ones a0…. */
    const fill = (expired: number, alive: number) =>
      table.insert([
        ...Array.from({ length: expired }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index * 1_000 })),
        ...Array.from({ length: alive }, (_, index) => ({ id: `a${index}`, expiresInMs: 2 * hour + index * 1_000 })),
      ]);
    const aliveIds = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`).sort();

    beforeEach(async () => {
      opened = [];
      table = await engine.create(engine.ordinaryName);
    });
    afterEach(async () => {
      await Promise.all(opened.map((cache) => cache.close()));
      await engine.drop(engine.ordinaryName);
    });

    describe('purge', () => {
      it('deletes every expired entry and no other, and makes the index first', async () => {
        await fill(3_000, 50);
        const report = await run(purgeContext(open()));
        expect(report).toMatchObject({
          stopReason: 'drained',
          deleted: 3_000,
          index: 'created',
          way: 'expiry',
          skippedLocked: 0,
          dryRun: false,
        });
        expect(report.expiredRemaining).toEqual({ count: 0, estimated: false });
        expect(report.oldestExpiredAge.before).toMatch(/^PT1H/);
        expect(report.oldestExpiredAge.after).toBeNull();
        expect(report.batches).toBeGreaterThan(1);
        expect(await table.ids()).toEqual(aliveIds(50));
        expect(await run(purgeContext(open()))).toMatchObject({
          stopReason: 'drained',
          deleted: 0,
          index: 'present',
          batches: 0,
          batchTime: null,
        });
      });

      it('leaves alone what expired within the grace, and what is younger than asked for', async () => {
        await table.insert([
          { id: 'just', expiresInMs: -10_000 },
          { id: 'hour', expiresInMs: -hour },
          { id: 'day', expiresInMs: -24 * hour },
        ]);
        expect((await run(purgeContext(open()), { olderThanMs: 12 * hour })).deleted).toBe(1);
        expect(await table.ids()).toEqual(['hour', 'just']);
        expect((await run(purgeContext(open()), { olderThanMs: 0 })).deleted).toBe(1);
        expect(await table.ids()).toEqual(['just']);
      });

      it.each([
        [{ graceMs: -hour }, {}],
        [{ graceMs: Number.NaN }, {}],
        [{}, { olderThanMs: -hour }],
        [{}, { maxRows: -1 }],
      ])('refuses policy %o with request %o before it deletes anything', async (policy, request) => {
        await fill(3, 3);
        await expect(purge(purgeContext(open(), policy), request)).rejects.toMatchObject({
          code: 'purge_request_invalid',
        });
        expect(await table.ids()).toHaveLength(6);
      });

      it('copes with many entries of one and the same expiry', async () => {
        await table.insert(Array.from({ length: 4_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour })));
        expect(await run(purgeContext(open()))).toMatchObject({ stopReason: 'drained', deleted: 4_000 });
        expect(await table.ids()).toEqual([]);
      });

      it('stops at the row limit, to the row', async () => {
        await fill(1_500, 5);
        const report = await run(purgeContext(open()), { maxRows: 1_234 });
        expect(report).toMatchObject({
          stopReason: 'rowLimit',
          deleted: 1_234,
          expiredRemaining: { count: 266, estimated: false },
        });
        expect(await table.ids()).toHaveLength(271);
      });

      it('stops when its time is up, and the next run goes on', async () => {
        await fill(3_000, 5);
        const report = await run(purgeContext(open(), { timeBudgetMs: 5_000 }, { clock: steppingClock(300) }));
        expect(report.stopReason).toBe('timeBudget');
        expect(report.deleted).toBeGreaterThan(0);
        expect(report.expiredRemaining?.count).toBe(3_000 - report.deleted);
        expect(await run(purgeContext(open()))).toMatchObject({
          stopReason: 'drained',
          deleted: 3_000 - report.deleted,
        });
      });

      it('stops between two batches when asked to', async () => {
        await fill(3_000, 5);
        const stop = new AbortController();
        const report = await run(purgeContext(open()), { signal: stop.signal, onProgress: () => stop.abort() });
        expect(report).toMatchObject({ stopReason: 'aborted', batches: 1 });
        expect(report.deleted).toBeGreaterThan(0);
      });

      it.skipIf(engine.lacks?.includes('application locks'))(
        'answers busy at once while another run holds the table',
        async () => {
          await fill(10, 0);
          const held = await open().tryLock('purge');
          expect(await run(purgeContext(open()))).toMatchObject({ stopReason: 'busy', deleted: 0 });
          await held?.release();
          expect(await run(purgeContext(open()))).toMatchObject({ stopReason: 'drained', deleted: 10 });
        },
      );

      it.skipIf(engine.lacks?.includes('application locks'))(
        'runs once when started twice at the same time',
        async () => {
          await fill(2_000, 5);
          const reports = await Promise.all([run(purgeContext(open())), run(purgeContext(open()))]);
          expect(reports.map(({ deleted }) => deleted).reduce((a, b) => a + b)).toBe(2_000);
          expect(reports.map(({ stopReason }) => stopReason)).toContain('drained');
          expect(await table.ids()).toEqual(aliveIds(5));
        },
      );

      it.skipIf(engine.lacks?.includes('READPAST'))(
        'passes over entries that an app holds locked, and counts them',
        async () => {
          await fill(500, 5);
          await ensureExpiryIndex(open(), indexPolicy, systemClock);
          const unlock = await table.lock(['e3', 'e77', 'e499']);
          const report = await run(purgeContext(open()));
          expect(report).toMatchObject({
            stopReason: 'drained',
            deleted: 497,
            skippedLocked: 3,
            expiredRemaining: { count: 3, estimated: false },
          });
          await unlock();
          expect(await run(purgeContext(open()))).toMatchObject({
            stopReason: 'drained',
            deleted: 3,
            skippedLocked: 0,
          });
        },
      );

      it('goes along the primary key where the index cannot be made, and remembers where it stopped', async () => {
        await fill(2_500, 500);
        const position = memoryPosition();
        const noIndex = () =>
          overriding(open(), {
            expiryIndex: {
              ...open().expiryIndex,
              state: async () => ({ kind: 'missing' }),
              build: async () => {
                throw new CacheTableError(
                  'permanent',
                  '0',
                  'permission_missing',
                  'no right to create an index.',
                  'GRANT it.',
                );
              },
            },
          });
        const first = await run(purgeContext(noIndex(), {}, { position }), { maxRows: 1_500 });
        expect(first).toMatchObject({ stopReason: 'rowLimit', deleted: 1_500, way: 'key', index: 'missing' });
        expect(first.warnings.join(' ')).toContain('GRANT it.');
        expect(position.value).toBeTypeOf('string');
        const second = await run(purgeContext(noIndex(), {}, { position }));
        expect(second).toMatchObject({ stopReason: 'drained', deleted: 1_000, way: 'key' });
        expect(position.value).toBeUndefined();
        expect(await table.ids()).toEqual(aliveIds(500));
      });

      it('says once that its position cannot be kept, however often that fails', async () => {
        await fill(3_000, 5);
        const noIndex = overriding(open(), {
          expiryIndex: {
            ...open().expiryIndex,
            state: async () => ({ kind: 'building', name: 'x', percent: 1, phase: undefined }),
            build: async () => undefined,
          },
        });
        let tries = 0;
        const position = {
          read: async () => undefined,
          write: async () => {
            tries += 1;
            throw new Error(`storage is away, try ${tries}`);
          },
        };
        // Each batch takes longer than the time between two tries to keep the position.
        const context = purgeContext(noIndex, { timeBudgetMs: 3_600_000 }, { position, clock: steppingClock(6_000) });
        const { warnings } = await run(context);
        expect(tries).toBeGreaterThan(1);
        expect(warnings.filter((warning) => warning.includes('storage is away'))).toHaveLength(1);
      });

      it('sees what lies before the position that it goes on from', async () => {
        await fill(100, 10);
        const noIndex = overriding(open(), {
          expiryIndex: {
            ...open().expiryIndex,
            state: async () => ({ kind: 'building', name: 'x', percent: 1, phase: undefined }),
            build: async () => undefined,
          },
        });
        const report = await run(purgeContext(noIndex, {}, { position: memoryPosition('e5') }));
        expect(report).toMatchObject({ stopReason: 'drained', deleted: 100, index: 'building' });
        expect(await table.ids()).toEqual(aliveIds(10));
      });

      it('says in a dry run what it would do, changes nothing and takes no lock', async () => {
        await fill(1_200, 30);
        const held = await open().tryLock('purge');
        const plan = await purge(purgeContext(open()), { dryRun: true });
        expect(plan).toMatchObject({
          dryRun: true,
          wouldDelete: { count: 1_200, estimated: false },
          index: 'wouldBuild',
          way: 'expiry',
        });
        expect(plan).toMatchObject({ entrySize: { p50: 100, max: 100 }, wouldFreeBytes: 120_000 });
        expect((plan as { statement: string }).statement).toMatch(/^(SET|DELETE)/i);
        expect(await table.ids()).toHaveLength(1_230);
        expect(await table.indexNames()).toEqual([]);
        await held?.release();
      });

      it('warns of a clock that differs from the database, and goes by the database', async () => {
        await fill(5, 5);
        const clock = { ...systemClock, now: () => new Date(Date.now() + 3 * hour) };
        const report = await run(purgeContext(open(), {}, { clock }));
        expect(report.warnings.join(' ')).toMatch(/clock is PT(3H|2H59M5\d).* behind this machine/);
        expect(await table.ids()).toEqual(aliveIds(5));
      });

      it('waits while the database is under load, and says why when it never got better', async () => {
        await fill(5, 0);
        const loaded = overriding(open(), { load: async () => ({ readings: { logWritePercent: 97 }, unknown: [] }) });
        const report = await run(
          purgeContext(loaded, { loadLimits: { percent: 80, lockWaits: 5 } }, { clock: steppingClock(100) }),
        );
        expect(report).toMatchObject({
          stopReason: 'unhealthy',
          deleted: 0,
          waits: { loadReasons: ['logWritePercent'] },
        });
        expect(report.warnings).toContain('Paused: logWritePercent is 97, above 80.');
      });

      it('goes on where the load cannot be read, and says so once', async () => {
        await fill(2_000, 0);
        const blind = overriding(open(), {
          load: async () => ({ readings: {}, unknown: ['VIEW DATABASE STATE is missing'] }),
        });
        const report = await run(purgeContext(blind, {}, { clock: steppingClock(100) }));
        expect(report.stopReason).toBe('drained');
        expect(report.warnings.filter((warning) => warning.includes('VIEW DATABASE STATE'))).toHaveLength(1);
      });

      it('retries what passes by itself, with smaller batches after locks', async () => {
        await fill(50, 2);
        const cache = open();
        const failures = ['lock', 'transient', 'timeLimit'] as const;
        let calls = 0;
        const flaky = overriding(cache, {
          entries: overridingEntries(cache, () => {
            const kind = failures[calls++];
            if (kind) throw new CacheTableError(kind, 'test', 'database_error', 'passes.', 'Wait.');
          }),
        });
        const report = await run(purgeContext(flaky));
        expect(report).toMatchObject({ stopReason: 'drained', deleted: 50, retries: 3, unansweredBatches: 1 });
      });

      it('ends with the error where trying again is of no use', async () => {
        await fill(5, 0);
        const cache = open();
        const broken = overriding(cache, {
          entries: overridingEntries(cache, () => {
            throw new CacheTableError('permanent', '229', 'permission_missing', 'no.', 'GRANT DELETE.');
          }),
        });
        await expect(run(purgeContext(broken))).rejects.toMatchObject({ code: 'permission_missing' });
        const lock = await open().tryLock('purge');
        expect(lock, 'the lock is free again').toBeDefined();
        await lock?.release();
      });
    });

    describe('the expiry index', () => {
      it('is created once and then found', async () => {
        expect(await ensureExpiryIndex(open(), indexPolicy, systemClock)).toMatchObject({
          outcome: 'created',
          before: 'missing',
          after: 'present',
        });
        expect(await ensureExpiryIndex(open(), indexPolicy, systemClock)).toMatchObject({
          outcome: 'present',
          before: 'present',
        });
        expect(await table.indexNames()).toHaveLength(1);
      });

      it.skipIf(engine.lacks?.includes('application locks'))('is one index after two runs at once', async () => {
        await fill(2_000, 0);
        const reports = await Promise.all([1, 2].map(() => ensureExpiryIndex(open(), indexPolicy, systemClock)));
        const outcomes = reports.map(({ outcome }) => outcome);
        expect(outcomes).toContain('created');
        for (const outcome of outcomes) expect(['created', 'present', 'busy', 'building']).toContain(outcome);
        expect(await table.indexNames()).toHaveLength(1);
      });

      it('is not created in a dry run', async () => {
        expect(await ensureExpiryIndex(open(), indexPolicy, systemClock, { dryRun: true })).toMatchObject({
          outcome: 'wouldBuild',
          dryRun: true,
        });
        expect(await table.indexNames()).toEqual([]);
      });

      it('is not created where it is only observed: a run and a dry run say who can, and by which statement', async () => {
        await fill(30, 5);
        const observe = { ...indexPolicy, mode: 'observe' as const };
        const told = expect.stringMatching(/only observed here: let the owner .*`create index .*expiresattime.*;`/i);
        const missing = { outcome: 'missing', after: 'missing', warnings: expect.arrayContaining([told]) };
        for (const dryRun of [true, false])
          expect(await ensureExpiryIndex(open(), observe, systemClock, { dryRun })).toMatchObject({
            ...missing,
            dryRun,
          });
        const context = () => purgeContext(open(), { index: observe });
        const purged = { index: 'missing', way: 'key', warnings: missing.warnings };
        expect(await purge(context(), { dryRun: true })).toMatchObject(purged);
        expect(await run(context())).toMatchObject({ ...purged, stopReason: 'drained', deleted: 30 });
        expect(await table.indexNames()).toEqual([]);
      });
    });

    describe('counts', () => {
      it('tell entries, expired, active, the near future, the oldest and the sizes', async () => {
        await fill(120, 30);
        await table.insert([{ id: 'soon', expiresInMs: 10 * minute, size: 7_000 }]);
        const report = countsReport.parse(await countEntries(open(), systemClock));
        expect(report).toMatchObject({
          entries: { count: 151, estimated: false },
          expired: { count: 120, estimated: false },
          active: { count: 31, estimated: false },
          expiringWithinHour: { count: 1, estimated: false },
          entrySize: { p50: 100, p95: 100, max: 7_000, sampled: 151 },
        });
        expect(report.oldestExpiredAge).toMatch(/^PT1H/);
      });

      it('tell the keys that unexpired entries name, the most frequent first', async () => {
        const [often, seldom] = [randomUUID(), randomUUID()];
        const value = (id: string) => Buffer.concat([Buffer.from(headerOf(id), 'hex'), randomBytes(3_000)]);
        const entries = [seldom, often, often].map((id, index) => ({
          id: `${index}`,
          expiresInMs: hour,
          value: value(id),
        }));
        const gone = { id: 'gone', expiresInMs: -hour, value: value(seldom) };
        await table.insert([...entries, { id: 'plain', expiresInMs: hour }, gone]);
        expect((await countEntries(open(), systemClock)).keyIds).toEqual([
          { keyId: often, entries: 2 },
          { keyId: seldom, entries: 1 },
        ]);
      });

      it('of an empty table are zero', async () => {
        expect(await countEntries(open(), systemClock)).toMatchObject({
          entries: { count: 0, estimated: false },
          expired: { count: 0, estimated: false },
          oldestExpiredAge: null,
          entrySize: null,
          keyIds: [],
        });
      });
    });
  });
}

/** The cache's entries, with a check before each delete by expiry. */
function overridingEntries(cache: CacheTable, before: () => void): CacheTable['entries'] {
  const { entries } = cache;
  return {
    ...entries,
    deleteRange: async (...args) => {
      before();
      return entries.deleteRange(...args);
    },
  };
}
