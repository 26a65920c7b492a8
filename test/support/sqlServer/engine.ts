/** The test's side of cache tables behind the TDS endpoint: it works on PostgreSQL directly, the adapter through the endpoint. */
import { quoteIdentifier as quoteInPostgres } from '../../../src/lib/sql/postgres/tableName.ts';
import { parseTableName } from '../../../src/lib/sql/sqlserver/tableName.ts';
import { openSqlServer } from '../openTables.ts';
import type { TestDatabase } from '../testDatabase.ts';
import type { TestEngine, TestTable } from '../testTable.ts';
import type { TdsEndpoint } from './endpoint.ts';
import { nowTicks } from './entry.ts';

/** Points in time in 100 ns, since `datetimeoffset(7)` keeps a digit more than PostgreSQL's own type. */
export const createTable = (table: string) => `
create table ${table} (
  "Id" varchar(449) collate "C" primary key,
  "Value" bytea not null,
  "ExpiresAtTime" bigint not null,
  "SlidingExpirationInSeconds" bigint null,
  "AbsoluteExpiration" bigint null
)`;

/** Views of the server that have no counterpart in PostgreSQL, empty at first. Query Store is on. */
export const createViews = `
create schema if not exists sys;
create table if not exists sys.index_resumable_operations (
  object_id oid, name text, state int, percent numeric, of_expiry int not null default 1);
create table if not exists sys.database_query_store_options (actual_state int);
insert into sys.database_query_store_options values (2);
create table if not exists sys.query_store (
  query_sql_text text, last_execution_time bigint, last_duration bigint, execution_type int, count_executions bigint,
  max_duration bigint, query_plan text not null default '');
create table if not exists sys.table_features (feature text, table_name text);
create table if not exists sys.database_facts (compatibility_level int, max_bytes bigint, used_bytes bigint);
insert into sys.database_facts values (160, null, 10000000);
create table if not exists sys.database_principals (name text primary key, type text not null, sid bytea);
create table if not exists sys.database_permissions (grantee text, object text, rights text)`;

export function endpointEngine(
  database: TestDatabase,
  endpoint: () => TdsEndpoint,
  name = 'the TDS endpoint',
  partitions = 0,
): TestEngine {
  const tableOf = (text: string) => {
    const { schema, table } = parseTableName(text);
    return { schema: quoteInPostgres(schema), table: `${quoteInPostgres(schema)}.${quoteInPostgres(table)}` };
  };
  return {
    name,
    resolutionMs: 0.0001,
    ordinaryName: 'dbo.TokenCache',
    hostileName: `dbo.[we"ird]] na'me]`,
    drop: async (text) => void (await database.query(`drop table if exists ${tableOf(text).table}`)),
    create: async (text, { columns = 'all' } = {}) => {
      const { schema, table } = tableOf(text);
      await database.query(`create schema if not exists ${schema}`);
      await database.query(`drop table if exists ${table}`);
      await database.query(`${createTable(table)}${partitions > 0 ? ' partition by hash ("Id")' : ''}`);
      for (let part = 0; part < partitions; part += 1)
        await database.query(
          `create table ${schema}.${quoteInPostgres(`part ${part}`)} partition of ${table} for values with (modulus ${partitions}, remainder ${part})`,
        );
      if (columns === 'withoutExpiry') await database.query(`alter table ${table} drop column "ExpiresAtTime"`);
      return endpointTable(database, endpoint, text, table);
    },
  };
}

function endpointTable(database: TestDatabase, endpoint: () => TdsEndpoint, name: string, table: string): TestTable {
  return {
    open: () => openSqlServer(endpoint().connectionString('TrustServerCertificate=true'), name),
    insert: async (entries) => {
      await database.query(
        `with now as materialized (select ${nowTicks} as ticks)
         insert into ${table} ("Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds")
         select e.id, coalesce(e.value, convert_to(repeat('x', e.size), 'UTF8')), now.ticks + (e.ms * 10000)::bigint, 1200
         from now, unnest($1::text[], $2::float8[], $3::int[], $4::bytea[]) as e (id, ms, size, value)`,
        [
          entries.map(({ id }) => id),
          entries.map(({ expiresInMs }) => expiresInMs),
          entries.map(({ size }) => size ?? 100),
          entries.map(({ value }) => value ?? null),
        ],
      );
    },
    ids: async () =>
      (await database.query<{ id: string }>(`select "Id" as id from ${table} order by "Id"`)).map(({ id }) => id),
    setExpiry: async (id, ms) => {
      const rows = await database.query(
        `update ${table} set "ExpiresAtTime" = ${nowTicks} + $2::bigint * 10000 where "Id" = $1 returning 1`,
        [id, ms],
      );
      return rows.length > 0;
    },
    setValue: async (id, value) => {
      await database.query(`update ${table} set "Value" = $2 where "Id" = $1`, [id, value]);
    },
    lock: async (ids) => {
      const client = await database.connect();
      await client.query('begin');
      await client.query(`select 1 from ${table} where "Id" = any($1) for update`, [ids]);
      return async () => void (await client.query('rollback'));
    },
    createIndex: async (index, columns) => {
      await database.query(
        `create index ${quoteInPostgres(index)} on ${table} (${columns.map(quoteInPostgres).join(', ')})`,
      );
    },
    indexNames: async () =>
      (
        await database.query<{ name: string }>(
          `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
           where i.indrelid = to_regclass($1) and not i.indisprimary order by 1`,
          [table],
        )
      ).map((row) => row.name),
  };
}
