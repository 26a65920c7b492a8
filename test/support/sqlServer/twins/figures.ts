import { withoutHints } from '../../../../src/lib/sql/sqlserver/hints.ts';
import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { quoteIdentifier, quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { fixed, nowTicks, ofTable, select } from '../entry.ts';
import type { Call, Names } from '../statementTable.ts';

/** 9999-01-01, in 100 ns since the year 1. */
const yearNever = '3155063616000000000';

const catalogueColumns = (['entries', 'dataBytes', 'indexBytes'] as const).map((name) => ({
  name,
  type: 'bigint' as const,
}));

/** PostgreSQL keeps no exact number of rows: they are counted. */
const catalogue = () => `
select (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %s', oid::regclass), false, true, '')))[1]::text::bigint,
       pg_table_size(oid), pg_indexes_size(oid)
from pg_class where oid = to_regclass(@relation)`;

export const figureTwins = {
  catalogue: select(fixed(statements.catalogue), catalogueColumns, catalogue),
  catalogueWithoutStats: select(fixed(statements.catalogueWithoutStats), catalogueColumns, catalogue),

  countUpTo: select(
    ofTable(statements.countUpTo),
    [{ name: 'rows', type: 'bigint' }],
    ({ table, flags: [hasFrom, hasBefore] }) => {
      const bounds = [hasFrom && '"ExpiresAtTime" >= @from', hasBefore && '"ExpiresAtTime" < @before'].filter(Boolean);
      return `select count(*) from (select 1 from ${table}${bounds.length > 0 ? ` where ${bounds.join(' and ')}` : ''} limit @limit) as bounded`;
    },
  ),

  countUndated: select(
    ofTable(statements.countUndated),
    [{ name: 'rows', type: 'int' }],
    ({ table }) =>
      `select count(*) from (select 1 from ${table} where "ExpiresAtTime" is null limit @limit) as bounded`,
  ),

  /** A table in parts is divided by a function that is named as it is; PostgreSQL's parts are numbered by their names. */
  partitioning: select(
    fixed(statements.partitioning),
    [
      { name: 'function', type: 'nvarchar' },
      { name: 'column', type: 'nvarchar' },
    ],
    () => `select '[' || relname || ']', '[Id]' from pg_class where oid = to_regclass(@relation) and relkind = 'p'`,
  ),

  expiredParts: {
    renderings: ({ schema, table, index, column }: Names) => {
      const by = { function: quoteIdentifier(index), column: quoteIdentifier(column) };
      const text = statements.expiredParts(quoteTable({ schema, table }), by);
      return [text, withoutHints(text)].map((each) => ({
        text: each,
        identifiers: [schema, table, index, column],
        flags: [],
      }));
    },
    answer: async ({ query }: Call) => {
      const parts = await query(`
select i.inhrelid::regclass::text, row_number() over (order by c.relname)::int
from pg_inherits as i join pg_class as c on c.oid = i.inhrelid where i.inhparent = to_regclass(@relation)`);
      const looks = parts.map(
        ([part, number]) => `
select ${number} where exists (select from ${part})
and not exists (select from ${part} where "ExpiresAtTime" >= @before or "ExpiresAtTime" is null)`,
      );
      return { columns: [{ name: 'part', type: 'int' as const }], rows: await query(looks.join(' union all ')) };
    },
  },

  backlog: select(
    ofTable(statements.backlog),
    [
      { name: 'oldest', type: 'datetimeoffset' },
      { name: 'rows', type: 'int' },
    ],
    ({ table }) => `
select (select min("ExpiresAtTime") from ${table}),
       (select count(*) from (select 1 from ${table} where "ExpiresAtTime" < @before limit @limit) as bounded)`,
  ),

  oldestExpiry: select(
    ofTable(statements.oldestExpiry),
    [{ name: 'oldest', type: 'datetimeoffset' }],
    ({ table }) => `select min("ExpiresAtTime") from ${table}`,
  ),

  latestExpiry: select(
    ofTable(statements.latestExpiry),
    [
      { name: 'latest', type: 'datetimeoffset' },
      { name: 'filled', type: 'int' },
    ],
    ({ table }) =>
      `select max("ExpiresAtTime"), case when exists (select from ${table}) then 1 else 0 end from ${table}`,
  ),

  longestLivedUntil: select(
    ofTable(statements.longestLivedUntil),
    [{ name: 'until', type: 'datetimeoffset' }],
    ({ table }) => `
select max(until) from (
  select greatest("ExpiresAtTime", "AbsoluteExpiration") as until from ${table} where "ExpiresAtTime" >= ${nowTicks}) as e
where until < ${yearNever}`,
  ),

  countByHeader: select(
    ofTable(statements.countByHeader),
    [
      { name: 'header', type: 'varbinaryMax' },
      { name: 'entries', type: 'bigint' },
    ],
    ({ table }) => `
select substring("Value" from 1 for 20), count(*) from ${table}
where "ExpiresAtTime" >= ${nowTicks} and substring("Value" from 1 for octet_length(@mark)) = @mark
group by 1`,
  ),

  /** The whole table for whatever share: a small table is one page. The random pages are SQL Server's affair. */
  sample: select(
    ({ schema, table }: Names) =>
      statements.sampleShares.map((share) => ({
        text: statements.sample(quoteTable({ schema, table }), share),
        identifiers: [schema, table],
        flags: [],
      })),
    [
      { name: 'size', type: 'bigint' },
      { name: 'expiresAt', type: 'datetimeoffset' },
      { name: 'header', type: 'varbinaryMax' },
    ],
    ({ table }) =>
      `select length("Value"), "ExpiresAtTime",
              case when "ExpiresAtTime" >= ${nowTicks} then substring("Value" from 1 for 20) end from ${table} limit @rows`,
  ),
};
