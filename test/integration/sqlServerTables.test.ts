/** Kinds of table before the TDS endpoint: what each job says of one that it cannot work on, and of what keeps its rows. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { clearTable } from '../../src/lib/sql/clear.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { diagnose } from '../support/diagnosis.ts';
import { indexPolicy, purgeContext } from '../support/policies.ts';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { expiredEntries, useScenario } from '../support/sqlServer/scenario.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
const scenario = useScenario(database, endpoint);
const is = (feature: string) =>
  database.query('insert into sys.table_features values ($1, $2)', [feature, 'TokenCache']);

beforeEach(() => database.query('delete from sys.table_features; delete from sys.index_resumable_operations'));
afterEach(() => {
  endpoint().server.insteadOfDelete = false;
});

const jobs: [string, (table: CacheTable) => Promise<unknown>][] = [
  ['counts', (table) => countEntries(table, systemClock)],
  ['index', (table) => ensureExpiryIndex(table, indexPolicy, systemClock)],
];

describe('every job refuses', () => {
  it.each([
    ['view', 'view'],
    ['synonym', '[other].[dbo].[Cache]'],
    ['external table', 'external table'],
    ['history table', 'history table'],
    ['datetime2', 'datetime2'],
  ])('a %s, with its reason', async (feature, reason) => {
    await is(feature);
    const table = scenario.open();
    const refusal = { code: 'table_unsuitable', message: expect.stringContaining(reason) };
    expect((await scenario.run(table)).error).toMatchObject(refusal);
    expect((await scenario.run(table, { dryRun: true })).error).toMatchObject(refusal);
    for (const [, job] of jobs) await expect(job(table)).rejects.toMatchObject(refusal);
  });
});

describe('a right that is missing', () => {
  it.each([
    ['no right to delete', 'permission_missing', 'GRANT SELECT, DELETE'],
    ['read-only', 'database_read_only', 'ApplicationIntent'],
  ])(
    '(%s) is told by a run, a dry run and the diagnosis alike, and on an empty table',
    async (feature, code, advice) => {
      await is(feature);
      const table = scenario.open();
      const refusal = { code, advice: expect.stringContaining(advice) };
      expect((await scenario.run(table, { dryRun: true })).error).toMatchObject(refusal);
      expect((await scenario.run(table)).error).toMatchObject(refusal);
      await database.query('truncate "dbo"."TokenCache"');
      expect((await scenario.run(table)).error).toMatchObject(refusal);
      const { blamed } = await diagnose({
        TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('Encrypt=False'),
      });
      expect(blamed).toContain(`connection: ${code}`);
    },
  );

  it('to the index is told by dry runs and the diagnosis, with the statement for the owner', async () => {
    await is('no right to alter');

    for (const { name } of await database.query<{ name: string }>(
      'select indexrelid::regclass::text as name from pg_index where indrelid = to_regclass($1) and not indisprimary',
      ['"dbo"."TokenCache"'],
    ))
      await database.query(`drop index ${name}`);
    const statement = 'CREATE INDEX [IX_TokenCache_ExpiresAtTime] ON [dbo].[TokenCache] (ExpiresAtTime)';
    const told = [
      expect.stringContaining(
        `This login may not build the expiry index: let the owner of the table run \`${statement}`,
      ),
    ];
    const { report } = await scenario.run(scenario.open(), { dryRun: true });
    expect(report).toMatchObject({ index: 'missing', warnings: told });
    const { report: diagnosed } = await diagnose({
      TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('Encrypt=False'),
    });
    const check = diagnosed.checks.find(({ check }) => check === 'expiry-index');
    expect(check?.advice).toContain(statement);
  });

  it('stops no count', async () => {
    await is('no right to delete');
    await expect(countEntries(scenario.open(), systemClock)).resolves.toBeDefined();
  });
});

it('whose lock another run holds says which session that is, where the server tells', async () => {
  const lock = await scenario.open().tryLock('purge');
  const busy = {
    stopReason: 'busy',
    heldBy: expect.stringMatching(/^session \d+, login \w+, application token-cache/),
  };
  expect((await scenario.run(scenario.open())).report).toMatchObject(busy);
  endpoint().faults.on('lockHolder', { kind: 'error', error: { number: 300, message: 'VIEW SERVER STATE' } });
  expect((await scenario.run(scenario.open())).report).toMatchObject({ stopReason: 'busy', heldBy: null });
  await lock?.release();
});

describe('a table', () => {
  it('of the temporal kind is purged, and its history is told', async () => {
    await is('temporal table');
    const { report } = await scenario.run(scenario.open());
    expect(report).toMatchObject({ stopReason: 'drained' });
    expect(report?.warnings.join(' ')).toContain('history table');
  });

  it('that is memory-optimised is purged along its key, and its index is left to an operator', async () => {
    await is('memory-optimised');
    await database.query('drop index "dbo"."by_expiry"');
    const { report } = await scenario.run(scenario.open());
    expect(report).toMatchObject({ stopReason: 'drained', way: 'key', index: 'missing' });
    expect(report?.warnings.join(' ')).toContain('ADD INDEX');
  });

  it('whose deletes an INSTEAD OF trigger takes ends the run, with nothing counted', async () => {
    endpoint().server.insteadOfDelete = true;
    const { error } = await scenario.run(scenario.open());
    expect(error).toMatchObject({ code: 'row_refused', advice: expect.stringContaining('INSTEAD OF') });
    expect(endpoint().received.filter(({ name }) => name === 'deleteRange')).toHaveLength(1);
  });

  it('to whose rows others refer keeps those alone, and says by which constraint', async () => {
    await database.query(
      'create table "dbo"."Audit" ("Id" varchar(449) constraint "FK_Audit" references "dbo"."TokenCache" ("Id"))',
    );
    const referred = ['e7', 'e1500', 'e2999'];
    await database.query('insert into "dbo"."Audit" select unnest($1::text[])', [referred]);
    const { report } = await scenario.run(scenario.open());
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: expiredEntries - referred.length });
    // One question for each batch that is refused, and no search by halves.
    const asked = (name: string) => endpoint().received.filter((statement) => statement.name === name).length;
    expect(asked('deleteKeys')).toBe(2 * asked('referredKeys'));
    expect(report?.kept).toMatchObject([{ entries: referred.length, advice: expect.stringContaining('FK_Audit') }]);
    expect((await scenario.table().ids()).filter((id) => id.startsWith('e')).sort()).toEqual([...referred].sort());
    await database.query('drop table "dbo"."Audit"');
  });

  it('whose referring table may not be seen is searched through', async () => {
    await database.query(
      'create table "dbo"."Audit" ("Id" varchar(449) constraint "FK_Audit" references "dbo"."TokenCache" ("Id"))',
    );
    await database.query(`insert into "dbo"."Audit" values ('e7'), ('e1500')`);
    endpoint().faults.on('foreignKey', { kind: 'error', error: { number: 229, message: 'denied' } }, { times: 99 });
    const { report } = await scenario.run(scenario.open());
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: expiredEntries - 2, kept: [{ entries: 2 }] });
    await database.query('drop table "dbo"."Audit"');
  });

  it('with entries that have no expiry counts them as such, and a clear takes them', async () => {
    await database.query('alter table "dbo"."TokenCache" alter column "ExpiresAtTime" drop not null');
    await database.query(`update "dbo"."TokenCache" set "ExpiresAtTime" = null where "Id" in ('e1', 'a1')`);
    expect(await countEntries(scenario.open(), systemClock)).toMatchObject({ undated: { count: 2 } });
    const { report } = await scenario.run(scenario.open());
    expect(report).toMatchObject({ stopReason: 'drained', deleted: expiredEntries - 1 });
    const clear = () => clearTable(purgeContext(scenario.open()), 'cache', { confirm: 'cache' });
    expect(await clear()).toMatchObject({ stopReason: 'drained', deleted: 21, way: 'key' });
    await database.query(`insert into "dbo"."TokenCache" values ('only', 'x', null)`);
    expect(await clear()).toMatchObject({ stopReason: 'drained', deleted: 1, remaining: { count: 0 } });
  });

  it('of which a whole partition has expired says so in the plan', async () => {
    const engine = endpointEngine(database, endpoint, 'partitioned', 3);
    const table = await engine.create(engine.ordinaryName);
    await table.createIndex('by_expiry', ['ExpiresAtTime']);
    await table.insert(Array.from({ length: 50 }, (_, n) => ({ id: `e${n}`, expiresInMs: -3_600_000 })));
    await database.query(`update "dbo"."part 1" set "ExpiresAtTime" = "ExpiresAtTime" + 2 * 36000000000`);
    const { report } = await scenario.run(scenario.open(), { dryRun: true });
    expect(report?.warnings.join(' ')).toContain('2 parts of the table has expired: partition 1, partition 3.');
  });

  it('with a paused rebuild of another index takes no index, and says which', async () => {
    await database.query('drop index "dbo"."by_expiry"');
    await database.query(
      `insert into sys.index_resumable_operations values ('"dbo"."TokenCache"'::regclass, 'IX_Other', 1, 40, 0)`,
    );
    endpoint().faults.on('createIndex', { kind: 'error', error: { number: 10637, message: 'resumable' } });
    await expect(ensureExpiryIndex(scenario.open(), indexPolicy, systemClock)).rejects.toMatchObject({
      code: 'index_build_in_the_way',
      message: expect.stringContaining('[IX_Other]'),
    });
  });

  it('that is locked as a whole ends the run within its time', async () => {
    const holder = await database.connect();
    await holder.query('begin');
    await holder.query('lock table "dbo"."TokenCache" in access exclusive mode');
    // Else the test would wait for its first statement.
    const table = scenario.open({ statementTimeoutMs: 3_600_000 });
    const { report, error } = await scenario.run(table, {}, { timeBudgetMs: 2_000 });
    expect(report?.stopReason ?? error?.code).toMatch(/timeBudget|statement_timeout/);
    await holder.query('rollback');
  });
});
