/**
 * The purge beside apps that slide, revive, insert and lock entries, and beside other runs. It needs nothing of an engine
 * but its test table, so that it runs on a real server as it is; integration tests know their engine, and look closer.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import { purgeReport } from '../../src/lib/sql/purgeReport.ts';
import type { PurgeContext } from '../../src/lib/sql/purgeRequest.ts';
import { overriding, purgeContext } from '../support/policies.ts';
import type { TestEngine, TestTable } from '../support/testTable.ts';

const hour = 3_600_000;
const untouched = 3_000;
const touched = 200;

export function describeSqlConcurrency(engine: TestEngine): void {
  describe(`concurrency on ${engine.name}`, () => {
    let table: TestTable;
    let opened: CacheTable[];
    const open = () => {
      const cache = table.open();
      opened.push(cache);
      return cache;
    };
    const run = async (context: PurgeContext) => purgeReport.parse(await purge(context));

    beforeEach(async () => {
      opened = [];
      table = await engine.create(engine.ordinaryName);
      await table.insert([
        ...Array.from({ length: untouched }, (_, index) => ({ id: `untouched${index}`, expiresInMs: -hour - index })),
        // Every second one has expired, and may be revived before the purge comes to it.
        ...Array.from({ length: touched }, (_, index) => ({
          id: `touched${index}`,
          expiresInMs: index % 2 === 0 ? -hour - index : hour,
        })),
      ]);
    });
    afterEach(async () => {
      await Promise.all(opened.map((cache) => cache.close()));
      await engine.drop(engine.ordinaryName);
    });

    /** An app, until stopped: slides or revives its share of the entries, inserts new ones. Returns those that must be there. */
    const app = async (number: number, stopped: () => boolean): Promise<string[]> => {
      const alive = new Set<string>();
      for (let step = 0; step < 2_000 && !stopped(); step += 1) {
        const id = `touched${(step * 2 + number) % touched}`;
        if (await table.setExpiry(id, hour)) alive.add(id);
        else expect(alive, `${id} was alive`).not.toContain(id);
        if (step % 10 !== 0) continue;
        const added = `new${number}-${step}`;
        await table.insert([{ id: added, expiresInMs: hour }]);
        alive.add(added);
      }
      return [...alive];
    };

    it.each([
      ['along the expiry index', 'expiry'],
      ['along the primary key', 'key'],
    ] as const)('deletes no entry that is alive, and every expired one that nobody touched, %s', async (_, way) => {
      let cache: CacheTable = open();
      if (way === 'key')
        cache = overriding(cache, {
          expiryIndex: {
            ...open().expiryIndex,
            state: async () => ({ kind: 'building', name: 'x', percent: 1, phase: undefined }),
            build: async () => undefined,
          },
        });
      let stopped = false;
      const apps = Promise.all([0, 1].map((number) => app(number, () => stopped)));
      const report = await run(purgeContext(cache, { batchTargetMs: 20, pauseRatio: 0.5 })).finally(() => {
        stopped = true;
      });
      const alive = (await apps).flat();
      expect(report).toMatchObject({ stopReason: 'drained', way });
      const ids = new Set(await table.ids());
      expect(alive.filter((id) => !ids.has(id))).toEqual([]);
      for (let index = 1; index < touched; index += 2) expect(ids).toContain(`touched${index}`);
      expect([...ids].filter((id) => id.startsWith('untouched'))).toEqual([]);
    });

    it.skipIf(engine.lacks?.includes('READPAST'))(
      'waits for no app that holds entries locked, and takes them in the next run',
      async () => {
        const locked = ['untouched5', 'untouched1500', 'untouched2999'];
        await table.createIndex('by_expiry', ['ExpiresAtTime']);
        const unlock = await table.lock(locked);
        const report = await run(purgeContext(open()));
        expect(report).toMatchObject({ stopReason: 'drained', skippedLocked: 3, deleted: untouched + touched / 2 - 3 });
        expect((await table.ids()).filter((id) => id.startsWith('untouched'))).toEqual([...locked].sort());
        await unlock();
        expect(await run(purgeContext(open()))).toMatchObject({ stopReason: 'drained', deleted: 3 });
      },
    );

    it.skipIf(engine.lacks?.includes('application locks'))('lets one of three runs at once do the work', async () => {
      const reports = await Promise.all([1, 2, 3].map(() => run(purgeContext(open()))));
      expect(reports.map(({ deleted }) => deleted).reduce((a, b) => a + b)).toBe(untouched + touched / 2);
      for (const { stopReason } of reports) expect(['drained', 'busy']).toContain(stopReason);
    });
  });
}
