/** Broken connections, foreign locks and missing rights, on the real PostgreSQL with the real driver. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import type { PurgeRequest } from '../../src/lib/sql/purgeRequest.ts';
import { openPostgres } from '../support/openTables.ts';
import { purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const entries = 8_000;

describe('the purge on PostgreSQL, when things go wrong', () => {
  let table: TestTable;
  let opened: CacheTable[];
  const keep = <T extends CacheTable>(cache: T) => {
    opened.push(cache);
    return cache;
  };
  const run = async (cache: CacheTable, request: PurgeRequest = {}, policy = {}) =>
    (await purge(purgeContext(cache, { batchTargetMs: 10, ...policy }), request)) as PurgeReport;
  const drainedAfterwards = async () => {
    expect(await run(keep(table.open()))).toMatchObject({ stopReason: 'drained' });
    expect(await table.ids()).toEqual(['alive']);
  };
  /** Ends the connections of the code under test whose last statement is like this, once. */
  const terminate = async (pattern: string) => {
    const rows = await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'token-cache-maintenance' and query ~* $1",
      [pattern],
    );
    expect(rows.length, `connections with ${pattern}`).toBeGreaterThan(0);
  };

  beforeEach(async () => {
    opened = [];
    table = await engine.create(engine.ordinaryName);
    await table.insert([
      ...Array.from({ length: entries }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
      { id: 'alive', expiresInMs: hour },
    ]);
    await table.createIndex('by_expiry', ['ExpiresAtTime']);
  });
  afterEach(async () => {
    await Promise.all(opened.map((cache) => cache.close()));
    await engine.drop(engine.ordinaryName);
  });

  it('goes on with a new connection when that of its batches is lost', async () => {
    let lost: Promise<void> | undefined;
    const report = await run(keep(table.open()), {
      onProgress: () => {
        lost ??= terminate('row_number|delete from');
      },
    });
    await lost;
    // Lost in mid-statement it is a retry; lost between two batches the pool replaces it unseen.
    expect(report.stopReason).toBe('drained');
    expect(await table.ids()).toEqual(['alive']);
  });

  it('stops when the connection that holds its lock is lost, since another run may have begun', async () => {
    let lost: Promise<void> | undefined;
    const report = await run(
      keep(table.open()),
      {
        onProgress: () => {
          lost ??= database.advisoryLocks().then(async ([holder]) => {
            await database.query('select pg_terminate_backend($1)', [holder?.pid]);
          });
        },
      },
      { pauseRatio: 2 },
    );
    await lost;
    expect(report).toMatchObject({ stopReason: 'aborted' });
    expect(report.warnings.join(' ')).toContain("run's lock was lost");
    await drainedAfterwards();
  });

  it('waits for a table lock in small steps, and finishes when it is gone', async () => {
    const client = await database.connect();
    await client.query('begin; lock table public.tokencache in exclusive mode');
    const running = run(keep(table.open()));
    // A batch tries two statements: the third that waits belongs to a retry.
    const waits = new Set<string>();
    const seen = async () => {
      const rows = await database.query<{ start: string }>(
        "select query_start::text as start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      for (const { start } of rows) waits.add(start);
      return waits.size;
    };
    await expect.poll(seen).toBeGreaterThan(2);
    await client.query('rollback');
    const report = await running;
    expect(report).toMatchObject({ stopReason: 'drained', deleted: entries });
    expect(report.retries).toBeGreaterThan(0);
  });

  it('stops at its budget when a table lock stays', async () => {
    const client = await database.connect();
    await client.query('begin; lock table public.tokencache in exclusive mode');
    expect(await run(keep(table.open()), { timeBudgetMs: 1_500 })).toMatchObject({
      stopReason: 'timeBudget',
      deleted: 0,
    });
    await client.query('rollback');
    await drainedAfterwards();
  });

  it('pauses while sessions of the database wait for locks, and goes on when they no longer do', async () => {
    await database.query('create table if not exists elsewhere (id int)');
    const holder = await database.connect();
    const waiter = await database.connect();
    await holder.query('begin; lock table elsewhere');
    const waiting = waiter.query('begin; lock table elsewhere').catch(() => undefined);
    const waits = () =>
      database.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
    await expect.poll(waits).toHaveLength(1);
    const limits = { loadLimits: { percent: 100, lockWaits: 0 } };
    expect(await run(keep(table.open()), { timeBudgetMs: 2_000 }, limits)).toMatchObject({
      stopReason: 'unhealthy',
      deleted: 0,
      waits: { loadReasons: ['lockWaits'] },
    });
    await holder.query('rollback');
    await waiting;
    await waiter.query('rollback');
    expect(await run(keep(table.open()), {}, limits)).toMatchObject({ stopReason: 'drained', deleted: entries });
  });

  describe('behind a line that breaks', () => {
    let proxy: TcpProxy;
    const through = () => {
      const url = new URL(database.url);
      url.port = String(proxy.port);
      return keep(openPostgres(url.href, engine.ordinaryName, 500));
    };
    beforeEach(async () => {
      proxy = await startTcpProxy(Number(new URL(database.url).port));
    });
    afterEach(() => proxy.close());

    it('ends by itself when the server answers no more, and loses nothing', async () => {
      const cache = through();
      const failed = run(cache, { timeBudgetMs: 2_000, onProgress: () => proxy.blackHole() }).then(
        (report) => report.stopReason,
        (error: { code: string }) => error.code,
      );
      expect(['statement_timeout', 'database_unavailable', 'aborted', 'timeBudget']).toContain(await failed);
      // The server keeps the dead session, and its lock, until it notices: here it is told.
      proxy.pass();
      await expect.poll(() => database.advisoryLocks(), { timeout: 10_000 }).toEqual([]);
      await drainedAfterwards();
    });

    it('is reset: a lost answer is repeated and harmless', async () => {
      let resets = 0;
      const report = await run(through(), {
        onProgress: () => {
          if (resets++ === 0) proxy.reset();
        },
      });
      // The lock's connection went down with the others.
      expect(report.stopReason).toBe('aborted');
      await drainedAfterwards();
    });
  });

  describe('without rights', () => {
    const role = { user: 'we"ird role', password: 'role-secret-1' };
    const quoted = '"we""ird role"';
    beforeEach(() => database.query(`create role ${quoted} login password '${role.password}'`));
    afterEach(async () => {
      await database.query(`drop owned by ${quoted}; drop role ${quoted}`);
    });

    it.each([
      ['to read', '', 'GRANT SELECT, DELETE ON "public"."tokencache" TO "we""ird role";'],
      [
        'to delete',
        `grant select on public.tokencache to ${quoted}`,
        'GRANT SELECT, DELETE ON "public"."tokencache" TO "we""ird role";',
      ],
    ])('%s it says the exact GRANT', async (_, grant, advice) => {
      if (grant) await database.query(grant);
      const failure = run(keep(table.open(role)));
      await expect(failure).rejects.toMatchObject({
        code: 'permission_missing',
        advice: expect.stringContaining(advice),
      });
      await database.query(`grant select, delete on public.tokencache to ${quoted}`);
      expect(await run(keep(table.open(role)))).toMatchObject({ stopReason: 'drained', deleted: entries });
    });

    it('to create the index it goes along the primary key, and says who may create it', async () => {
      await database.query(`drop index by_expiry; grant select, delete on public.tokencache to ${quoted}`);
      const report = await run(keep(table.open(role)));
      expect(report).toMatchObject({ stopReason: 'drained', way: 'key', index: 'missing', deleted: entries });
      expect(report.warnings.join(' ')).toContain(
        'CREATE INDEX CONCURRENTLY ON "public"."tokencache" (expiresattime);',
      );
    });

    it('to log in it says so, without the password', async () => {
      const failure = await run(keep(table.open({ user: role.user, password: 'not-the-secret' }))).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code: 'login_failed' });
      expect(JSON.stringify(failure) + String(failure)).not.toContain('not-the-secret');
    });
  });

  it.each([
    ['the database is missing', (url: URL) => Object.assign(url, { pathname: '/nowhere' }), 'database_missing'],
    ['nothing listens there', (url: URL) => Object.assign(url, { port: '1' }), 'database_unavailable'],
    [
      'the name does not resolve',
      (url: URL) => Object.assign(url, { hostname: 'no-such-host.invalid' }),
      'host_not_found',
    ],
  ])('says that %s', async (_, change, code) => {
    const url = change(new URL(database.url)).href;
    const cache = keep(openPostgres(url, 'public.tokencache', 1_000));
    const failure = await run(cache, { timeBudgetMs: 500 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toContain('postgres:local');
  });

  it('counts once the database answers again', async () => {
    const proxy = await startTcpProxy(Number(new URL(database.url).port));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const cache = openPostgres(url.href, 'public.tokencache', 1_000);
    await countEntries(cache, systemClock);
    proxy.reset();
    expect(await countEntries(cache, systemClock)).toMatchObject({ expired: { count: entries } });
    await cache.close();
    await proxy.close();
  });
});
