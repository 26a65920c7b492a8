import { createTable } from '../../dev/seed.ts';
import type { TableName } from '../../src/lib/sql/names.ts';
import { parseTableName, quoteIdentifier, quoteTable } from '../../src/lib/sql/postgres/tableName.ts';
import { openPostgres } from './openTables.ts';
import type { TestDatabase } from './testDatabase.ts';
import type { TestEngine, TestTable } from './testTable.ts';

export interface PostgresEngineOptions {
  name?: string;
  /** Where the code under test connects; the database itself, if left out. */
  url?: () => string;
  /** How many partitions the table has; 0 for none. */
  partitions?: number;
}

/** The test's side of a table on the embedded PostgreSQL. */
export function postgresEngine(
  database: TestDatabase,
  { name: engine = 'PostgreSQL', url = () => database.url, partitions = 0 }: PostgresEngineOptions = {},
): TestEngine {
  return {
    name: engine,
    resolutionMs: 0.001,
    hostileName: `"we""ird]] na'me".";drop table x; --"`,
    ordinaryName: 'public.tokencache',
    drop: async (name) => void (await database.query(`drop table if exists ${quoteTable(parseTableName(name))}`)),
    create: async (name, { columns = 'all' } = {}) => {
      const parsed = parseTableName(name);
      const table = quoteTable(parsed);
      await database.query(`create schema if not exists ${quoteIdentifier(parsed.schema)}`);
      await database.query(`drop table if exists ${table}`);
      await database.query(partitions === 0 ? createTable(table) : createPartitioned(table, parsed, partitions));
      if (columns === 'withoutExpiry') await database.query(`alter table ${table} drop column expiresattime`);
      return postgresTable(database, url, name, table);
    },
  };
}

/** By hash of the key: every batch meets several partitions. */
function createPartitioned(table: string, { schema, table: name }: TableName, partitions: number): string {
  const parts = Array.from({ length: partitions }, (_, remainder) => {
    const part = quoteTable({ schema, table: `${name.slice(0, 40)}_${remainder}` });
    return `create table ${part} partition of ${table} for values with (modulus ${partitions}, remainder ${remainder})`;
  });
  // A partitioned table cannot be unlogged.
  return [`${createTable(table).replace('unlogged ', '')} partition by hash (id)`, ...parts].join('; ');
}

function postgresTable(database: TestDatabase, connectTo: () => string, name: string, table: string): TestTable {
  return {
    open: (login) => {
      const url = new URL(connectTo());
      if (login) Object.assign(url, { username: login.user, password: login.password });
      return openPostgres(url.href, name);
    },
    insert: async (entries) => {
      await database.query(
        `insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
         select e.id, coalesce(e.value, convert_to(repeat('x', e.size), 'UTF8')), now() + e.ms * interval '1 millisecond', 1200
         from unnest($1::text[], $2::float8[], $3::int[], $4::bytea[]) as e (id, ms, size, value)`,
        [
          entries.map(({ id }) => id),
          entries.map(({ expiresInMs }) => expiresInMs),
          entries.map(({ size }) => size ?? 100),
          entries.map(({ value }) => value ?? null),
        ],
      );
    },
    ids: async () => (await database.query<{ id: string }>(`select id from ${table} order by id`)).map(({ id }) => id),
    setExpiry: async (id, ms) => {
      const rows = await database.query(
        `update ${table} set expiresattime = now() + $2 * interval '1 millisecond' where id = $1 returning 1`,
        [id, ms],
      );
      return rows.length > 0;
    },
    setValue: async (id, value) => {
      await database.query(`update ${table} set value = $2 where id = $1`, [id, value]);
    },
    lock: async (ids) => {
      const client = await database.connect();
      await client.query('begin');
      await client.query(`select 1 from ${table} where id = any($1) for update`, [ids]);
      return async () => void (await client.query('rollback'));
    },
    createIndex: async (index, columns) => {
      await database.query(
        `create index ${quoteIdentifier(index)} on ${table} (${columns.map((column) => column.toLowerCase()).join(', ')})`,
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
