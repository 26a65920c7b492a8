import * as statements from '../../../../src/lib/sqlCache/sqlServer/statements.ts';
import { nowTicks, ofTable, select } from '../entry.ts';
import type { Call } from '../statementTable.ts';

const deleted = { name: 'deleted', type: 'int' } as const;
const deletable = (withLive: boolean | undefined) =>
  withLive ? '"ExpiresAtTime" <= @cutoff' : `"ExpiresAtTime" < @cutoff and "ExpiresAtTime" < ${nowTicks}`;
const after = (has: boolean | undefined) => (has ? ' and "ExpiresAtTime" > @after' : '');

/** READPAST is SKIP LOCKED; on a Babelfish it does nothing, and the statement waits for locked rows. */
const readPast = ({ server }: Call) => (server.babelfish === null ? 'skip locked' : '');

/** DELETE TOP (n): no order. The rows are locked as they are read, and their expiry is checked on the locked row. */
const deleteRows = (call: Call, where: string, hint = readPast(call)) => `
with gone as (
  delete from ${call.table} where ctid = any (array(
    select ctid from ${call.table} where ${where} limit @limit for update ${hint}))
  returning 1)
select count(*) from gone`;

export const entryTwins = {
  nextRange: select(
    ofTable(statements.nextRange),
    [
      { name: 'rows', type: 'int' },
      { name: 'upTo', type: 'datetimeoffset' },
      { name: 'lastSeen', type: 'datetimeoffset' },
    ],
    ({ table, flags: [hasAfter, withLive] }) => `
select count(*), max(case when n <= @limit then expiry end), max(expiry)
from (select "ExpiresAtTime" as expiry, row_number() over (order by "ExpiresAtTime") as n from ${table}
      where "ExpiresAtTime" ${withLive ? '<=' : '<'} @cutoff${after(hasAfter)} order by "ExpiresAtTime" limit @limit + 1) as batch`,
  ),

  deleteRange: select(ofTable(statements.deleteRange), [deleted], (call) =>
    deleteRows(call, `${deletable(call.flags[1])} and "ExpiresAtTime" <= @upTo${after(call.flags[0])}`),
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
      const where = `"Id" <= @upTo${call.flags[0] ? ' and "Id" > @after' : ''} and ${deletable(call.flags[1])}`;
      const [gone = []] = await call.query(deleteRows(call, where).replace('limit @limit', ''));
      const [left = []] = await call.query(`select count(*) from ${call.table} where ${where}`);
      return { columns: [deleted, { name: 'skipped', type: 'int' as const }], rows: [[...gone, ...left]] };
    },
  },

  deletableKeys: select(
    ofTable(statements.deletableKeys),
    [{ name: 'id', type: 'nvarchar' }],
    ({ table, flags: [hasAfter, hasAfterKey, hasUpToKey, withLive] }) => `
select "Id" from ${table}
where ${deletable(withLive)} and "ExpiresAtTime" <= @upTo${after(hasAfter)}${hasAfterKey ? ' and "Id" > @afterKey' : ''}${hasUpToKey ? ' and "Id" <= @upToKey' : ''}
order by "Id" limit @limit`,
  ),

  deleteKeys: select(ofTable(statements.deleteKeys), [deleted], (call) =>
    deleteRows(
      call,
      `"Id" >= @firstKey and "Id" <= @lastKey and ${deletable(call.flags[1])} and "ExpiresAtTime" <= @upTo${after(call.flags[0])}`,
      '',
    ),
  ),

  probeTableLock: select(
    ofTable(statements.probeTableLock),
    [],
    ({ table }) => `delete from ${table} where false returning null`,
  ),
};
