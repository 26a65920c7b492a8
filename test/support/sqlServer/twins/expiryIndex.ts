import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { quoteIdentifier, quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { command, fixed, select } from '../entry.ts';
import type { Names } from '../statementTable.ts';

/** The builds that serverTraits.ts can make of a server: offline, 2017 and before, 2019, 2022 and the cloud. */
const builds = [
  { online: false, resumable: false, lowPriority: false },
  { online: true, resumable: false, lowPriority: false },
  { online: true, resumable: true, lowPriority: false },
  { online: true, resumable: true, lowPriority: true },
];

const renderingsOf = (texts: (t: string, name: string, minutes: number) => string[]) => (names: Names) =>
  texts(quoteTable(names), quoteIdentifier(names.index), names.minutes).map((text) => ({
    text,
    identifiers: [names.schema, names.table, names.index],
    flags: [],
  }));

export const expiryIndexTwins = {
  /** A disabled index is an invalid one of PostgreSQL. */
  indexState: select(
    fixed(statements.indexState),
    [
      { name: 'name', type: 'nvarchar' },
      { name: 'isDisabled', type: 'bit' },
    ],
    () => `
select c.relname, not i.indisvalid from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
where i.indrelid = to_regclass(@relation) and lower(a.attname) = 'expiresattime' and i.indpred is null
order by not i.indisvalid`,
  ),

  /** State 1 is paused. */
  resumableBuilds: select(
    fixed(statements.resumableBuilds),
    [
      { name: 'name', type: 'nvarchar' },
      { name: 'state', type: 'int' },
      { name: 'percentComplete', type: 'decimal' },
      { name: 'ofExpiry', type: 'int' },
    ],
    () =>
      'select name, state, percent, of_expiry from sys.index_resumable_operations where object_id = to_regclass(@relation)',
  ),

  createIndex: command(
    renderingsOf((t, name, maxMinutes) =>
      builds.map((build) => statements.createIndex(t, name, { ...build, maxMinutes })),
    ),
    ({ table, index }) => `create index ${index} on ${table} ("ExpiresAtTime")`,
  ),

  manualIndex: command(
    renderingsOf((t, name) => [false, true].map((online) => statements.manualIndex(t, name, online))),
    ({ table, index }) => `create index ${index} on ${table} ("ExpiresAtTime")`,
  ),

  mayBuildIndex: select(
    fixed(statements.mayBuildIndex),
    [{ name: 'may', type: 'int' }],
    () => `
select case when exists (select from sys.table_features where feature = 'no right to alter'
  and table_name = (select relname from pg_class where oid = to_regclass(@relation))) then 0 else 1 end`,
  ),

  resumeIndex: command(
    renderingsOf((t, name, minutes) => [statements.resumeIndex(t, name, minutes)]),
    async ({ table, index, query }) => {
      await query(
        `delete from sys.index_resumable_operations where object_id = '${table.replaceAll("'", "''")}'::regclass`,
      );
      return `create index ${index} on ${table} ("ExpiresAtTime")`;
    },
  ),

  rebuildIndex: command(
    renderingsOf((t, name) => [false, true].map((online) => statements.rebuildIndex(t, name, online))),
    ({ table, index }) => `reindex index ${table.slice(0, table.lastIndexOf('."'))}.${index}`,
  ),
};
