/** A large backlog on PostgreSQL, which is worked off page by page first. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { indexPolicy, memoryPosition, purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const expired = 30_000;
const alive = 5_000;

describe('a large backlog on PostgreSQL', () => {
  let table: TestTable;
  let cache: CacheTable;
  beforeEach(async () => {
    table = await engine.create(engine.ordinaryName);
    await table.insert(
      Array.from({ length: expired + alive }, (_, index) => ({
        id: `e${index}`,
        expiresInMs: index % 7 === 0 ? hour : -hour - index,
      })),
    );
    // The way is chosen by the catalogue, whose number of rows may lag behind the insert.
    await database.query('analyze public.tokencache');
    cache = table.open();
    await ensureExpiryIndex(cache, indexPolicy, systemClock);
  });
  afterEach(async () => {
    await cache.close();
    await engine.drop(engine.ordinaryName);
  });
  const run = async (request = {}) => (await purge(purgeContext(cache), request)) as PurgeReport;

  it('is deleted page by page, live entries excepted', async () => {
    const report = await run();
    expect(report).toMatchObject({ stopReason: 'drained', way: 'pages', deleted: expired, skippedLocked: 0 });
    expect(
      await database.query('select count(*)::int as n, min(expiresattime) > now() as living from public.tokencache'),
    ).toEqual([{ n: alive, living: true }]);
  });

  it('goes on at the page where the run before stopped, and still leaves nothing behind', async () => {
    const pagePosition = memoryPosition();
    const stop = new AbortController();
    let batches = 0;
    const onBatch = () => {
      batches += 1;
      if (batches === 4) stop.abort();
    };
    const first = await purge(purgeContext(cache, {}, { pagePosition }), { signal: stop.signal, onBatch });
    expect(first).toMatchObject({ stopReason: 'aborted', way: 'pages' });
    const stoppedAt = Number(pagePosition.value);
    expect(stoppedAt).toBeGreaterThan(0);
    // Expired meanwhile, in a page that is passed over now.
    await table.setExpiry('e0', -hour);
    const from: number[] = [];
    const { pages } = cache;
    const seen = {
      count: () => pages?.count(),
      deletePages: (page: number, ...rest: [number, Date]) => {
        from.push(page);
        return pages?.deletePages(page, ...rest);
      },
    };
    Object.defineProperty(cache, 'pages', { value: seen });
    const second = await purge(purgeContext(cache, {}, { pagePosition }));
    expect(second).toMatchObject({ stopReason: 'drained', way: 'pages' });
    expect(from[0]).toBe(stoppedAt);
    expect(await database.query('select count(*)::int as n from public.tokencache')).toEqual([{ n: alive - 1 }]);
    expect(pagePosition.value).toBeUndefined();
  });

  it.each(['1000000', 'nonsense', '-1'])('begins at the first page where what was kept is %j', async (kept) => {
    const context = purgeContext(cache, {}, { pagePosition: memoryPosition(kept) });
    expect(await purge(context)).toMatchObject({ stopReason: 'drained', way: 'pages', deleted: expired });
  });

  it('never takes more rows in a batch than the engine allows', async () => {
    const batches: number[] = [];
    let before = 0;
    await run({
      onBatch: ({ deleted }: { deleted: number }) => {
        batches.push(deleted - before);
        before = deleted;
      },
    });
    expect(Math.max(...batches)).toBeLessThanOrEqual(cache.maxBatchRows * 1.5);
    expect(batches.length).toBeGreaterThan(3);
  });

  it('passes over rows that an app holds locked, and counts them', async () => {
    const unlock = await table.lock(['e1', 'e15000', 'e34998']);
    expect(await run()).toMatchObject({ stopReason: 'drained', way: 'pages', deleted: expired - 3, skippedLocked: 3 });
    await unlock();
    expect(await run()).toMatchObject({ stopReason: 'drained', way: 'expiry', deleted: 3 });
  });

  it('goes in order of expiry where a row limit asks for the oldest', async () => {
    expect(await run({ maxRows: 100 })).toMatchObject({ stopReason: 'rowLimit', way: 'expiry', deleted: 100 });
    const { rows } = {
      rows: await database.query<{ oldest: string }>(
        'select id as oldest from public.tokencache order by expiresattime limit 1',
      ),
    };
    expect(rows[0]?.oldest).toBe(`e${expired + alive - 1 - 116}`);
  });

  it('shows in a dry run how it would go', async () => {
    expect(await purge(purgeContext(cache), { dryRun: true })).toMatchObject({
      way: 'pages',
      statement: expect.stringContaining('ctid >='),
    });
  });
});
