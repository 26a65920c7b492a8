/** What a run asks of the server that happens 48 times a day: counts of statements and connections, which no load changes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { KeptFacts } from '../../src/lib/sql/keptFacts.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { Facts } from '../../src/lib/sql/sqlserver/sqlServerCacheTable.ts';
import { openPostgres, openSqlServer } from '../support/openTables.ts';
import { indexPolicy, purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { countStatements, type StatementCounter } from '../support/postgresStatements.ts';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const hour = 3_600_000;
const live = Array.from({ length: 500 }, (_, index) => ({ id: `live${index}`, expiresInMs: hour + index }));
const expired = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index }));

describe('on PostgreSQL a purge', () => {
  const engine = postgresEngine(database);
  let counter: StatementCounter;
  beforeEach(async () => {
    counter = await countStatements(Number(new URL(database.url).port));
  });
  afterEach(async () => {
    await counter.close();
    await engine.drop(engine.ordinaryName);
  });

  /** A run on a table with its index, through the line that is read along. */
  async function runOn(entries: { id: string; expiresInMs: number }[]) {
    const table = await engine.create(engine.ordinaryName);
    await table.insert(entries);
    const first = table.open();
    await ensureExpiryIndex(first, indexPolicy, systemClock);
    await first.close();
    const url = new URL(database.url);
    url.port = String(counter.port);
    const cache = openPostgres(url.href, engine.ordinaryName);
    const report = await purge(purgeContext(cache));
    await cache.close();
    return { report, ids: await table.ids() };
  }

  it.each([
    ['finds nothing expired', live],
    ['finds an empty table', []],
  ])('that %s asks 3 statements on 1 connection', async (_case, entries) => {
    const { report } = await runOn(entries);
    expect(report).toMatchObject({
      stopReason: 'drained',
      deleted: 0,
      expiredRemaining: { count: 0, estimated: false },
    });
    expect(counter.connections).toBe(1);
    expect(counter.statements.length, counter.statements.join('\n')).toBe(3);
  });

  it.each([
    [90_000, false],
    [120_000, true],
  ])('beside which %i entries are counted reads each of them where they are few', async (entries, estimated) => {
    await engine.create(engine.ordinaryName);
    await database.query(
      `insert into ${engine.ordinaryName} (id, value, expiresattime)
       select 'e' || i, 'x', now() + interval '2 hours' from generate_series(1, ${entries}) as i; analyze ${engine.ordinaryName}`,
    );
    const url = new URL(database.url);
    url.port = String(counter.port);
    const cache = openPostgres(url.href, engine.ordinaryName);
    const report = await countEntries(cache, systemClock);
    await cache.close();
    expect(report.entries).toEqual({ count: entries, estimated });
    const counts = counter.statements.filter((text) => /count\(\*\)/.test(text) && !/expiresattime/.test(text));
    expect(counts).toHaveLength(estimated ? 0 : 1);
  });

  it('that finds half an hour of entries adds only what it deletes with', async () => {
    const { report, ids } = await runOn([...live, ...expired(300)]);
    expect(report).toMatchObject({ stopReason: 'drained', deleted: 300, oldestExpiredAge: { after: null } });
    expect(ids).toHaveLength(live.length);
    expect(counter.connections).toBeLessThanOrEqual(2);
    const { batches } = report as { batches: number };
    // A look and a delete for each batch, a last pass, a look at the load, one at what is left, and a second connection.
    expect(counter.statements.length, counter.statements.join('\n')).toBeLessThanOrEqual(10 + 2 * batches);
  });
});

describe('on SQL Server a purge', () => {
  const endpoint = useEndpoint(database);
  const engine = endpointEngine(database, endpoint);
  afterEach(async () => {
    await engine.drop(engine.ordinaryName);
    await database.query('delete from sys.table_features');
  });

  /** Names of what a run asks, without what the driver sends at each login and reset: its SET options. */
  async function askedBy(cache: CacheTable, report: object) {
    const before = endpoint().received.length;
    expect(await purge(purgeContext(cache))).toMatchObject(report);
    await cache.close();
    return endpoint()
      .received.slice(before)
      .flatMap(({ name }) => name ?? []);
  }

  const empty = { stopReason: 'drained', deleted: 0, index: 'present', expiredRemaining: { count: 0 } };

  async function indexedTable() {
    const table = await engine.create(engine.ordinaryName);
    await table.insert(live);
    const first = table.open();
    await ensureExpiryIndex(first, indexPolicy, systemClock);
    await first.close();
    return table;
  }

  it('that finds nothing expired asks 3 statements', async () => {
    const asked = await askedBy((await indexedTable()).open(), empty);
    expect(asked.length, asked.join(' ')).toBe(3);
  });

  describe('that knows the table from a run before', () => {
    const facts = () => {
      const kept = new KeptFacts(systemClock).of<Facts>('web');
      const connectionString = endpoint().connectionString('TrustServerCertificate=true');
      return { open: () => openSqlServer(connectionString, engine.ordinaryName, { kept }) };
    };

    it('asks 2', async () => {
      await indexedTable();
      const { open } = facts();
      await askedBy(open(), empty);
      const asked = await askedBy(open(), empty);
      expect(asked.length, asked.join(' ')).toBe(2);
    });

    it('looks anew, and makes the index again, where that is gone', async () => {
      await indexedTable();
      const { open } = facts();
      await askedBy(open(), empty);
      await database.query(`drop index dbo."IX_TokenCache_ExpiresAtTime"`);
      expect(await askedBy(open(), { ...empty, index: 'created' })).toContain('tableKind');
    });

    it('refuses a table of its name that has become another kind', async () => {
      await indexedTable();
      const { open } = facts();
      await askedBy(open(), empty);
      await database.query("insert into sys.table_features values ('history table', 'TokenCache')");
      const cache = open();
      await expect(purge(purgeContext(cache))).rejects.toMatchObject({ code: 'table_unsuitable' });
      await cache.close();
    });

    it('deletes from a new table of its name what has expired in that, and nothing else', async () => {
      await indexedTable();
      const { open } = facts();
      await askedBy(open(), empty);
      await engine.drop(engine.ordinaryName);
      const table = await engine.create(engine.ordinaryName);
      await table.insert([...live.slice(0, 5), ...expired(3)]);
      expect(await askedBy(open(), { deleted: 3, index: 'created' })).toContain('tableKind');
      expect(await table.ids()).toHaveLength(5);
    });
  });
});
