import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { nowTicks, ofTable, select } from '../entry.ts';
import type { Call } from '../statementTable.ts';

const deleted = { name: 'deleted', type: 'int' } as const;
const deletable = (withLive: boolean | undefined) =>
  withLive ? '"ExpiresAtTime" <= @cutoff' : `"ExpiresAtTime" < @cutoff and "ExpiresAtTime" < ${nowTicks}`;
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

  deleteKeys: select(ofTable(statements.deleteKeys), [deleted], (call) =>
    deleteRows(
      call,
      `"Id" >= @firstKey and "Id" <= @lastKey and ${deletableIn(call.flags[0], call.flags[1], call.flags[2])}`,
    ),
  ),

  nextForms: select(
    ofTable(statements.nextForms),
    [
      { name: 'id', type: 'nvarchar' },
      { name: 'formStart', type: 'varbinaryMax' },
      { name: 'formEnd', type: 'varbinaryMax' },
    ],
    ({ table, flags: [hasAfter] }) => `
select "Id", substring("Value" from 1 for 20), substring("Value" from octet_length("Value") for 1)
from ${table} where "ExpiresAtTime" >= ${nowTicks}${hasAfter ? ' and "Id" > @after' : ''} order by "Id" limit @limit`,
  ),

  deleteForms: select(ofTable(statements.deleteForms), [{ name: 'id', type: 'nvarchar' }], ({ table, text }) => {
    const where = Array.from(
      { length: statements.formsPerDelete },
      (_, n) =>
        `("Id" = @id${n}::text and substring("Value" from 1 for 20) = @start${n} and substring("Value" from octet_length("Value") for 1) = @end${n})`,
    ).join(' or ');
    return `
delete from ${table} where (${where}) and ctid = any (array(
  select ctid from ${table} where ${where} for update ${text.includes('READPAST') ? 'skip locked' : ''}))
returning "Id"`;
  }),

  probeTableLock: select(
    ofTable(statements.probeTableLock),
    [],
    ({ table }) => `delete from ${table} where false returning null`,
  ),
};
