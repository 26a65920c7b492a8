/** Sessions that are shared by a pooler, and the time limits that a role or database sets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { openPostgres } from '../support/openTables.ts';
import { type PoolMode, pgbouncerFound, usePgbouncer } from '../support/pgbouncer.ts';
import { indexPolicy, purgeContext } from '../support/policies.ts';
import { connect } from '../support/postgresConnections.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy.ts';
import { type TestDatabase, useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const hour = 3_600_000;
const entries = 4_000;

/** The table of a role with limits, reached directly or through a pooler. */
function useTable(mode?: PoolMode) {
  const database = useTestDatabase();
  const role = `limited_${new URL(database.url).pathname.slice(6, 14)}`;
  const pooler = mode && usePgbouncer(database, mode, { users: { [role]: 'role-secret-1' } });
  const connectTo = () => (pooler ? pooler.url() : database.url);
  const engine = postgresEngine(database);
  const opened: CacheTable[] = [];
  let table: TestTable;
  beforeEach(async () => {
    table = await engine.create(engine.ordinaryName);
    await table.insert(
      Array.from({ length: entries }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
    );
    await database.query(`create role ${role} login password 'role-secret-1'`);
    await database.query(`grant create on schema public to ${role}; alter table public.tokencache owner to ${role}`);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((cache) => cache.close()));
    await engine.drop(engine.ordinaryName);
    await database.query(`drop owned by ${role}; drop role ${role}`);
  });
  return {
    database,
    connectTo,
    table: () => table,
    limit: (setting: string) => database.query(`alter role ${role} ${setting}`),
    /** @param port of a proxy before the server */
    open: (port?: number) => {
      const url = new URL(connectTo());
      Object.assign(url, { username: role, password: 'role-secret-1', ...(port && { port }) });
      const cache = openPostgres(url.href);
      opened.push(cache);
      return cache;
    },
  };
}
const run = async (cache: CacheTable, request = {}) => (await purge(purgeContext(cache), request)) as PurgeReport;

describe('a role with limits on PostgreSQL', () => {
  const { database, table, limit, open } = useTable();

  it.each([
    ['statement_timeout', "set statement_timeout = '1500ms'"],
    ['idle_session_timeout', "set idle_session_timeout = '2s'"],
    ['transaction_timeout', "set transaction_timeout = '1500ms'"],
    ['default_transaction_isolation', "set default_transaction_isolation = 'serializable'"],
  ])('%s is kept to by a run that lasts longer', async (_, setting) => {
    await limit(setting);
    // Pauses make it last some seconds, and on a busy machine no longer.
    const clock = { ...systemClock, sleep: (_: number, signal?: AbortSignal) => systemClock.sleep(200, signal) };
    const policy = { batchTargetMs: 10, pauseRatio: 25, timeBudgetMs: 600_000 };
    const report = await purge(purgeContext(open(), policy, { clock }));
    expect(report).toMatchObject({ stopReason: 'drained', deleted: entries });
  });

  it('names the limit that cut off an index build, and leaves nothing of it behind', async () => {
    await limit("set statement_timeout = '400ms'");
    const commit = await table().lock(['e1']);
    const build = ensureExpiryIndex(open(), { ...indexPolicy, timeBudgetMs: 30_000 }, systemClock);
    setTimeout(() => void commit(), 1_500);
    await expect(build).rejects.toMatchObject({
      code: 'statement_timeout',
      advice: expect.stringContaining('The role limits it: statement_timeout is 400 ms'),
    });
    expect(await table().indexNames()).toEqual([]);
  });

  it('purges all the same where the index could not be built for it, and says why', async () => {
    await limit("set statement_timeout = '400ms'");
    const commit = await table().lock(['e1']);
    const report = await run(open(), { timeBudgetMs: 8_000 });
    await commit();
    expect(report).toMatchObject({ way: 'key', index: 'missing', deleted: entries - 1 });
    expect(report.warnings.join(' ')).toContain('statement_timeout is 400 ms');
  });

  it('says that connections are limited', async () => {
    await limit('connection limit 1');
    await expect(run(open(), { timeBudgetMs: 500 })).rejects.toMatchObject({ code: 'connection_limit' });
  });

  it('leaves nothing set for others in a session of its own either, once it has gone', async () => {
    await run(open());
    expect(await database.query('show lock_timeout')).toEqual([{ lock_timeout: '0' }]);
  });
});

describe.skipIf(!pgbouncerFound)('through a pooler in transaction mode', () => {
  const { limit, open, connectTo } = useTable('transaction');

  it('works off what has expired beside an app, whose sessions it leaves as they are', async () => {
    const seen = new Set<string>();
    const app = await connect({ connectionString: connectTo() });
    let stopped = false;
    const looking = (async () => {
      while (!stopped) {
        const { rows } = await app.query(
          "select current_setting('lock_timeout') || current_setting('enable_seqscan') || current_setting('statement_timeout') as settings",
        );
        seen.add(rows[0].settings);
      }
    })();
    for (let turn = 0; turn < 3; turn += 1) expect((await run(open(), { maxRows: 1_000 })).stopReason).toBe('rowLimit');
    expect(await run(open())).toMatchObject({ stopReason: 'drained', deleted: entries - 3_000 });
    stopped = true;
    await looking;
    await app.end();
    expect([...seen]).toEqual(['0on0']);
  });

  it.each(["set transaction_timeout = '3s'", "set idle_in_transaction_session_timeout = '2s'"])(
    'keeps its lock for longer than the role may have a transaction: %s',
    async (setting) => {
      await limit(setting);
      const held = await open().tryLock('purge');
      for (let look = 0; look < 14; look += 1) {
        await systemClock.sleep(300);
        expect(await held?.isHeld()).toBe(true);
        if (!setting.includes('transaction_timeout')) expect(await open().tryLock('purge')).toBeUndefined();
      }
      // Where one transaction follows another, somebody may take it in between: nobody else has it then.
      const other = await open().tryLock('purge');
      if (other) expect(await held?.isHeld()).toBe(false);
      await held?.release();
      await other?.release();
      const next = await open().tryLock('purge');
      expect(next).toBeDefined();
      await next?.release();
    },
  );
});

describe.skipIf(!pgbouncerFound)('through a pooler in statement mode', () => {
  const { open } = useTable('statement');

  it('refuses, and says what to do', async () => {
    await expect(run(open(), { timeBudgetMs: 2_000 })).rejects.toMatchObject({
      code: 'pooler_unsuitable',
      advice: expect.stringContaining('pool_mode'),
    });
  });
});

/** Attempts to build an index whose name another one has. */
const buildUnderTakenName = async (database: TestDatabase, cache: CacheTable, times: number) => {
  const name = 'taken';
  await database.query(`create index ${name} on public.tokencache (slidingexpirationinseconds)`);
  for (let attempt = 0; attempt < times; attempt += 1) {
    const policy = { name, timeBudgetMs: 60_000, offlineRowLimit: 1e6 };
    const built = cache.expiryIndex.build({ kind: 'missing' }, policy);
    await expect(built).rejects.toMatchObject({ code: 'index_name_taken' });
  }
};

describe('an index that cannot be built', () => {
  const { database, open } = useTable();
  let proxy: TcpProxy;
  afterEach(() => proxy.close());

  // The server tells the error before it is out of the build: until its next answer, others see it building.
  it('is looked at again only once the server has left the build', async () => {
    let build: ((chunk: Buffer | null) => void) | undefined;
    const late: (Buffer | null)[] = [];
    let lookedAt = 0;
    const letGo = () => {
      for (const chunk of late.splice(0)) build?.(chunk);
      build = undefined;
    };
    proxy = await startTcpProxy(Number(new URL(database.url).port), (chunk, pass) => {
      if (build && build !== pass) lookedAt += 1;
      if (build === pass) late.push(chunk);
      else if (chunk?.toString('latin1', 0, 1) === 'E') {
        const end = 1 + chunk.readInt32BE(1);
        pass(chunk.subarray(0, end));
        build = pass;
        late.push(chunk.subarray(end));
        setTimeout(letGo, 300);
      } else pass(chunk);
    });
    await buildUnderTakenName(database, open(proxy.port), 1);
    expect(lookedAt).toBe(0);
  });
});

describe.skipIf(!pgbouncerFound)('an index that cannot be built, through a pooler', () => {
  const { database, open } = useTable('session');

  // The pooler lets go of the client before the server is out of the build.
  it('is told each time, and never seen as under way', async () => {
    await buildUnderTakenName(database, open(), 20);
  });
});
