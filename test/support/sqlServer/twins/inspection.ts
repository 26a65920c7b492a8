/** The diagnosis: entries of a sample, and what the catalogue knows of the table, as SQL Server would tell it. */
import * as statements from '../../../../src/lib/sql/sqlserver/inspectionStatements.ts';
import { sampleShares } from '../../../../src/lib/sql/sqlserver/statements.ts';
import { quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { fixed, nowTicks, ofTable, select } from '../entry.ts';
import type { Names } from '../statementTable.ts';

const relation = 'to_regclass(@relation)';

export const inspectionTwins = {
  /** The whole table for whatever share, as in figures.ts. */
  sampleEntries: select(
    ({ schema, table }: Names) =>
      sampleShares.map((share) => ({
        text: statements.sampleEntries(quoteTable({ schema, table }), share),
        identifiers: [schema, table],
        flags: [],
      })),
    [
      { name: 'id', type: 'nvarchar' },
      { name: 'size', type: 'bigint' },
      { name: 'expiresAt', type: 'datetimeoffset' },
      { name: 'slidingSeconds', type: 'bigint' },
      { name: 'content', type: 'varbinaryMax' },
    ],
    ({ table }) => `
select "Id", length("Value"), "ExpiresAtTime", "SlidingExpirationInSeconds",
       case when substring("Value" from 1 for 4) = '\\x09f0c9f0'::bytea then substring("Value" from 1 for 20)
            else substring("Value" from 1 for @bytes::int) end
from ${table} limit @rows`,
  ),

  readValue: select(
    ofTable(statements.readValue),
    [{ name: 'value', type: 'varbinaryMax' }],
    ({ table }) => `select "Value" from ${table} where "Id" = @id and ${nowTicks} <= "ExpiresAtTime"`,
  ),

  keysWithPrefix: select(
    ofTable(statements.keysWithPrefix),
    [{ name: 'id', type: 'nvarchar' }],
    ({ table }) => `select "Id" from ${table} where "Id" like @prefix order by "Id" limit @limit`,
  ),

  latestKeys: select(
    ofTable(statements.latestKeys),
    [{ name: 'id', type: 'nvarchar' }],
    ({ table }) => `select "Id" from ${table} order by "ExpiresAtTime" desc limit @limit`,
  ),

  entryState: select(
    ofTable(statements.entryState),
    [
      { name: 'header', type: 'varbinaryMax' },
      { name: 'digest', type: 'varbinaryMax' },
    ],
    ({ table }) => `select substring("Value" from 1 for 20), sha256("Value") from ${table} where "Id" = @id`,
  ),

  /** The types that the stand-in's columns stand for; a column of another type keeps PostgreSQL's name. */
  columns: select(
    fixed(statements.columns),
    [
      { name: 'name', type: 'nvarchar' },
      { name: 'typeName', type: 'nvarchar' },
      { name: 'maxLength', type: 'int' },
      { name: 'nullable', type: 'bit' },
      { name: 'collation', type: 'nvarchar' },
    ],
    () => `
select a.attname,
       case when a.atttypid = 'varchar'::regtype then 'nvarchar' when a.atttypid = 'bytea'::regtype then 'varbinary'
            when a.atttypid = 'int8'::regtype and a.attname in ('ExpiresAtTime', 'AbsoluteExpiration') then 'datetimeoffset'
            else format_type(a.atttypid, null) end,
       case when a.atttypid = 'varchar'::regtype then 2 * (a.atttypmod - 4)
            when a.atttypid = 'bytea'::regtype then -1 else 8 end,
       not a.attnotnull,
       case when c.collname = 'C' then 'SQL_Latin1_General_CP1_CS_AS' when c.collname is not null then 'SQL_Latin1_General_CP1_CI_AS' end
from pg_attribute a left join pg_collation c on c.oid = a.attcollation
where a.attrelid = ${relation} and a.attnum > 0 and not a.attisdropped order by a.attnum`,
  ),

  indexColumns: select(
    fixed(statements.indexColumns),
    [
      { name: 'indexName', type: 'nvarchar' },
      { name: 'isPrimary', type: 'bit' },
      { name: 'columnName', type: 'nvarchar' },
    ],
    () => `
select c.relname, i.indisprimary, a.attname
from pg_index i join pg_class c on c.oid = i.indexrelid
cross join generate_series(0, i.indnkeyatts - 1) as n
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[n]
where i.indrelid = ${relation} order by c.relname, n`,
  ),

  extras: select(
    fixed(statements.extras),
    [
      { name: 'kind', type: 'nvarchar' },
      { name: 'name', type: 'nvarchar' },
    ],
    () => `
select 'trigger', tgname::text from pg_trigger where tgrelid = ${relation} and not tgisinternal
union all
select 'foreign key', conname from pg_constraint where contype = 'f' and (conrelid = ${relation} or confrelid = ${relation})
union all
select feature, table_name from sys.table_features where table_name = (select relname from pg_class where oid = ${relation})`,
  ),

  databaseName: select(
    fixed(statements.databaseName),
    [{ name: 'name', type: 'nvarchar' }],
    () => 'select current_database()',
  ),

  databaseFacts: select(
    fixed(statements.databaseFacts),
    [
      { name: 'compatibilityLevel', type: 'int' },
      { name: 'maxBytes', type: 'bigint' },
      { name: 'usedBytes', type: 'bigint' },
    ],
    () => 'select compatibility_level, max_bytes, used_bytes from sys.database_facts',
  ),

  deletePlan: select(
    fixed(statements.deletePlan),
    [{ name: 'seeks', type: 'int' }],
    () => `
select case when strpos(query_plan, 'PhysicalOp="Index Seek"') > 0 then 1 else 0 end
from sys.query_store where strpos(query_sql_text, @appDelete) > 0 order by last_execution_time desc limit 1`,
  ),
};
