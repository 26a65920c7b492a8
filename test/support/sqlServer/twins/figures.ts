import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { fixed, nowTicks, ofTable, select } from '../entry.ts';
import type { Names } from '../statementTable.ts';

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
    [{ name: 'latest', type: 'datetimeoffset' }],
    ({ table }) => `select max("ExpiresAtTime") from ${table}`,
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
      `select length("Value"), "ExpiresAtTime", substring("Value" from 1 for 20) from ${table} limit @rows`,
  ),
};
