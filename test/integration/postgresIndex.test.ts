/** The expiry index on PostgreSQL: builds that broke off, builds under way, and builds longer than their budget. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import { indexPolicy, purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const createConcurrently = 'create index concurrently leftover on public.tokencache (expiresattime)';

describe('the expiry index on PostgreSQL', () => {
  let table: TestTable;
  let cache: CacheTable;

  beforeEach(async () => {
    table = await engine.create(engine.ordinaryName);
    await table.insert(Array.from({ length: 500 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })));
    cache = table.open();
  });
  afterEach(async () => {
    await cache.close();
    await engine.drop(engine.ordinaryName);
  });

  /** A transaction with a write in it: a concurrent build waits for its end. */
  const openTransaction = () => table.lock(['e1']);
  /** A build by somebody else that waits; `done` settles when it ends. */
  const startBuild = async () => {
    const client = await database.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const done = client.query(createConcurrently).then(
      () => 'built',
      () => 'broke off',
    );
    const waiting = () =>
      database.query(
        "select 1 from pg_stat_progress_create_index where datname = current_database() and phase like 'waiting%'",
      );
    await expect.poll(waiting, { timeout: 10_000 }).toHaveLength(1);
    return { pid: rows[0]?.pid, done };
  };

  it('is left alone while somebody else builds it, then found', async () => {
    const commit = await openTransaction();
    const build = await startBuild();
    const report = await ensureExpiryIndex(cache, indexPolicy, systemClock);
    expect(report).toMatchObject({
      outcome: 'building',
      before: 'building',
      name: 'leftover',
      phase: expect.stringContaining('waiting'),
    });
    await commit();
    expect(await build.done).toBe('built');
    expect(await ensureExpiryIndex(cache, indexPolicy, systemClock)).toMatchObject({
      outcome: 'present',
      name: 'leftover',
    });
    expect(await table.indexNames()).toEqual(['leftover']);
  });

  it('is dropped and built again where a build broke off', async () => {
    const commit = await openTransaction();
    const build = await startBuild();
    await database.query('select pg_cancel_backend($1)', [build.pid]);
    expect(await build.done).toBe('broke off');
    await commit();
    expect(await cache.expiryIndex.state()).toEqual({ kind: 'invalid', name: 'leftover' });
    expect(await ensureExpiryIndex(cache, indexPolicy, systemClock)).toMatchObject({
      outcome: 'rebuilt',
      before: 'invalid',
      after: 'present',
    });
    expect(await table.indexNames()).toEqual([indexPolicy.name]);
  });

  it('goes on being built when the budget of its run is used up, and is there later', async () => {
    const commit = await openTransaction();
    const report = await ensureExpiryIndex(cache, { ...indexPolicy, timeBudgetMs: 300 }, systemClock);
    expect(report).toMatchObject({ outcome: 'building', before: 'missing', after: 'building' });
    expect(await ensureExpiryIndex(cache, { ...indexPolicy, timeBudgetMs: 300 }, systemClock)).toMatchObject({
      outcome: 'building',
    });
    await commit();
    await expect
      .poll(() => cache.expiryIndex.state(), { timeout: 10_000 })
      .toEqual({ kind: 'present', name: indexPolicy.name });
    expect(await table.indexNames()).toEqual([indexPolicy.name]);
  });

  it('under way sends the purge along the primary key meanwhile', async () => {
    const commit = await openTransaction();
    const build = await startBuild();
    expect(await purge(purgeContext(cache))).toMatchObject({
      stopReason: 'drained',
      way: 'key',
      index: 'building',
      deleted: 499,
      skippedLocked: 1,
    });
    await commit();
    expect(await build.done).toBe('built');
  });

  it('does not count when it is partial', async () => {
    await database.query(
      "create index partial on public.tokencache (expiresattime) where expiresattime < '2100-01-01'",
    );
    expect(await cache.expiryIndex.state()).toEqual({ kind: 'missing' });
  });
});
