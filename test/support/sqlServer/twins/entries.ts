import { withoutHints } from '../../../../src/lib/sql/sqlserver/hints.ts';
import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { quoteIdentifier, quoteTable } from '../../../../src/lib/sql/sqlserver/tableName.ts';
import { fixed, nowTicks, ofTable, select } from '../entry.ts';
import { type Call, combinations, type Names } from '../statementTable.ts';

const deleted = { name: 'deleted', type: 'int' } as const;
const deletable = (withLive: boolean | undefined) =>
  withLive
    ? '("ExpiresAtTime" <= @cutoff or "ExpiresAtTime" is null)'
    : `"ExpiresAtTime" < @cutoff and "ExpiresAtTime" < ${nowTicks}`;
const deletableIn = (byKey: boolean | undefined, hasAfter: boolean | undefined, withLive: boolean | undefined) => {
  const column = byKey ? '"Id"' : '"ExpiresAtTime"';
  return `${deletable(withLive)} and ${column} <= @upTo${hasAfter ? ` and ${column} > @after` : ''}`;
};

/**
 * DELETE TOP (n): no order. The rows are locked as they are read, and their expiry is checked on the locked row. READPAST
 * is SKIP LOCKED; without it the statement waits for locked rows, as long as LOCK_TIMEOUT says.
 */
const deleteRows = ({ table, text, server }: Call, where: string) =>
  server.insteadOfDelete
    ? `select count(*) from (select 1 from ${table} where ${where} limit @limit) as counted`
    : `
with gone as (
  delete from ${table} where (tableoid, ctid) in (
    select tableoid, ctid from ${table} where ${where} limit @limit for update ${text.includes('READPAST') ? 'skip locked' : ''})
  returning 1)
select count(*) from gone`;

/** Another table of the same schema; it takes the place of the index. */
const referrerOf = ({ schema, index, column }: Names): statements.Referrer => ({
  referrer: quoteTable({ schema, table: index }),
  column: quoteIdentifier(column),
});
const namesOf = ({ schema, table, index, column }: Names) => [schema, table, index, column];
const referredBy = ({ table, index, column }: Call) =>
  `select ${column} from ${table.slice(0, table.lastIndexOf('."'))}.${index} where ${column} between @firstKey and @lastKey`;

export const entryTwins = {
  nextRanges: select(
    ofTable(statements.nextRanges),
    [
      { name: 'rows', type: 'int' },
      { name: 'upTo', type: 'datetimeoffset' },
      { name: 'following', type: 'datetimeoffset' },
    ],
    ({ table, flags: [hasAfter, withLive] }) => `
select count(*), max(expiry), lead(min(expiry)) over (order by part)
from (select "ExpiresAtTime" as expiry, (row_number() over (order by "ExpiresAtTime") - 1) / @limit as part from ${table}
      where "ExpiresAtTime" ${withLive ? '<=' : '<'} @cutoff${hasAfter ? ' and "ExpiresAtTime" > @after' : ''} order by "ExpiresAtTime" limit @limit * @count + 1) as ahead
group by part order by part`,
  ),

  deleteRange: select(ofTable(statements.deleteRange), [deleted], (call) =>
    deleteRows(call, deletableIn(false, call.flags[0], call.flags[1])),
  ),

  nextKeyRange: select(
    ofTable(statements.nextKeyRange),
    [{ name: 'upTo', type: 'nvarchar' }],
    ({ table, flags: [hasAfter] }) =>
      `select max("Id") from (select "Id" from ${table}${hasAfter ? ' where "Id" > @after' : ''} order by "Id" limit @limit) as batch`,
  ),

  deleteKeyRange: {
    renderings: ofTable(statements.deleteKeyRange),
    answer: async (call: Call) => {
      const where = deletableIn(true, call.flags[0], call.flags[1]);
      const [gone = []] = await call.query(deleteRows(call, where).replace('limit @limit', ''));
      const [left = []] = await call.query(`select count(*) from ${call.table} where ${where}`);
      return { columns: [deleted, { name: 'skipped', type: 'int' as const }], rows: [[...gone, ...left]] };
    },
  },

  deletableKeys: select(
    ofTable(statements.deletableKeys),
    [{ name: 'id', type: 'nvarchar' }],
    ({ table, flags: [byKey, hasAfter, withLive] }) => `
select "Id" from ${table}
where ${deletableIn(byKey, hasAfter, withLive)} and (@afterKey::text is null or "Id" > @afterKey)
order by "Id" limit @limit`,
  ),

  deleteKeys: select(
    (names) =>
      combinations(4).flatMap(([byKey = false, hasAfter = false, withLive = false, referred = false]) => {
        const referrers = referred ? [referrerOf(names)] : [];
        const text = statements.deleteKeys(quoteTable(names), byKey, hasAfter, withLive, referrers);
        return [...new Set([text, withoutHints(text)])].map((each) => ({
          text: each,
          identifiers: referred ? namesOf(names) : [names.schema, names.table],
          flags: [byKey, hasAfter, withLive, referred],
        }));
      }),
    [deleted],
    (call) => {
      const { flags } = call;
      const where = `"Id" >= @firstKey and "Id" <= @lastKey and ${deletableIn(flags[0], flags[1], flags[2])}`;
      return deleteRows(call, flags[3] ? `${where} and "Id" not in (${referredBy(call)})` : where);
    },
  ),

  foreignKey: select(
    fixed(statements.foreignKey),
    [
      { name: 'referrer', type: 'nvarchar' },
      { name: 'column', type: 'nvarchar' },
    ],
    () => `
select '[' || n.nspname || '].[' || c.relname || ']', '[' || a.attname || ']'
from pg_constraint as f join pg_class as c on c.oid = f.conrelid join pg_namespace as n on n.oid = c.relnamespace
join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
where f.contype = 'f' and f.confrelid = to_regclass(@relation) and f.conname = @constraint`,
  ),

  referredKeys: select(
    (names) => {
      const text = statements.referredKeys(quoteTable(names), referrerOf(names));
      return [text, withoutHints(text)].map((each) => ({ text: each, identifiers: namesOf(names), flags: [] }));
    },
    [{ name: 'id', type: 'nvarchar' }],
    (call) => `select "Id" from ${call.table} where "Id" in (${referredBy(call)})`,
  ),

  nextForms: select(
    ofTable(statements.nextForms),
    [
      { name: 'id', type: 'nvarchar' },
      { name: 'formStart', type: 'varbinaryMax' },
      { name: 'formEnd', type: 'varbinaryMax' },
    ],
    ({ table, flags: [hasAfter] }) => `
select "Id", coalesce(substring("Value" from 1 for 20), ''), coalesce(substring("Value" from octet_length("Value") for 1), '')
from ${table} where "ExpiresAtTime" >= ${nowTicks}${hasAfter ? ' and "Id" > @after' : ''} order by "Id" limit @limit`,
  ),

  deleteForms: select(ofTable(statements.deleteForms), [{ name: 'id', type: 'nvarchar' }], ({ table, text }) => {
    const where = Array.from(
      { length: statements.formsPerDelete },
      (_, n) =>
        `("Id" = @id${n}::text and coalesce(substring("Value" from 1 for 20), '') = @start${n} and coalesce(substring("Value" from octet_length("Value") for 1), '') = @end${n})`,
    ).join(' or ');
    return `
delete from ${table} where (${where}) and (tableoid, ctid) in (
  select tableoid, ctid from ${table} where ${where} for update ${text.includes('READPAST') ? 'skip locked' : ''})
returning "Id"`;
  }),

  probeTableLock: select(
    ofTable(statements.probeTableLock),
    [],
    ({ table }) => `delete from ${table} where false returning null`,
  ),
};
