/** What is not about the table: the server itself, its clock, the run's lock, its load, and Query Store. */
import * as statements from '../../../../src/lib/sql/sqlserver/statements.ts';
import { fixed, nowTicks, ofTable, select } from '../entry.ts';
import { SqlError } from '../sqlError.ts';
import type { Call } from '../statementTable.ts';

const resource = 'hashtextextended(@resource, 0)';

const features = `(
  select array(select feature from sys.table_features
               where table_name = (select relname from pg_class where oid = to_regclass(@relation)) order by 1) as f) as features`;
const mayDelete = `case when 'no right to delete' = any(f) then 0 else 1 end`;
const updateability = `case when 'read-only' = any(f) then 'READ_ONLY' else 'READ_WRITE' end`;
const stamp = `(select oid || '/' || xmin || f::text from pg_class where oid = to_regclass(@relation))`;
const indexDisabled = `select case when i.indisvalid then 0 else 1 end from pg_index i
  where i.indrelid = to_regclass(@relation) and (select relname from pg_class where oid = i.indexrelid) = @index`;
const checkedColumns = [
  { name: 'stamp', type: 'nvarchar' as const },
  { name: 'indexDisabled', type: 'int' as const },
  { name: 'mayDelete', type: 'int' as const },
  { name: 'updateability', type: 'nvarchar' as const },
];

export const serverTwins = {
  traits: {
    renderings: fixed(statements.traits),
    answer: async ({ server }: Call) => ({
      columns: [
        { name: 'engineEdition', type: 'int' as const },
        { name: 'productVersion', type: 'nvarchar' as const },
      ],
      rows: [[server.engineEdition, server.productVersion]],
    }),
  },

  /** What a table is not has a line in sys.table_features; a change of these, or of the table, shows in the stamp. */
  clock: {
    renderings: ofTable(statements.clock),
    answer: async ({ table, flags: [checked], query }: Call) => ({
      columns: [{ name: 'now', type: 'datetime2' as const }, ...(checked ? checkedColumns : [])],
      rows: await query(`
select ${nowTicks}${checked ? `, ${stamp}, (${indexDisabled}), ${mayDelete}, ${updateability}` : ''}
from ${checked ? features : '(select 1) as o'}
left join (select "Id", length("Value"), "ExpiresAtTime" from ${table} limit 0) as probe on true`),
    }),
  },

  tableKind: select(
    fixed(statements.tableKind),
    [
      { name: 'type', type: 'nvarchar' },
      { name: 'synonymOf', type: 'nvarchar' },
      { name: 'temporalType', type: 'int' },
      { name: 'memoryOptimized', type: 'bit' },
      { name: 'isExternal', type: 'bit' },
      { name: 'expiryType', type: 'nvarchar' },
      { name: 'expiryNullable', type: 'bit' },
      { name: 'mayDelete', type: 'int' },
      { name: 'updateability', type: 'nvarchar' },
      { name: 'stamp', type: 'nvarchar' },
      { name: 'expiryIndex', type: 'nvarchar' },
    ],
    () => `
select case when 'view' = any(f) then 'V ' when 'synonym' = any(f) then 'SN' else 'U ' end,
       case when 'synonym' = any(f) then '[other].[dbo].[Cache]' end,
       case when 'temporal table' = any(f) then 2 when 'history table' = any(f) then 1 else 0 end,
       'memory-optimised' = any(f), 'external table' = any(f),
       case when 'datetime2' = any(f) then 'datetime2' else 'datetimeoffset' end,
       (select not attnotnull from pg_attribute where attrelid = to_regclass(@relation) and attname = 'ExpiresAtTime'),
       ${mayDelete}, ${updateability}, ${stamp},
       (select min(c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = to_regclass(@relation) and lower(a.attname) = 'expiresattime' and i.indpred is null and i.indisvalid)
from ${features} where to_regclass(@relation) is not null`,
  ),

  /** An advisory lock of the session: as sp_getapplock's, it ends with the connection. */
  tryLock: select(
    fixed(statements.tryLock),
    [
      { name: 'result', type: 'int' },
      { name: 'session', type: 'int' },
    ],
    ({ sessionId }) => `select case when pg_try_advisory_lock(${resource}) then 0 else -1 end, ${sessionId}`,
  ),

  testLock: select(
    fixed(statements.testLock),
    [{ name: 'free', type: 'int' }],
    () => `
select case when exists (
  select from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = ${resource}) then 0 else 1 end`,
  ),

  /** PostgreSQL knows the backend, and not whose session it serves: the endpoint's clients all have the driver's name. */
  lockHolder: select(
    fixed(statements.lockHolder),
    [
      { name: 'session', type: 'int' },
      { name: 'login', type: 'nvarchar' },
      { name: 'application', type: 'nvarchar' },
      { name: 'from', type: 'nvarchar' },
      { name: 'state', type: 'nvarchar' },
      { name: 'since', type: 'datetime2' },
    ],
    () => `
select pid, usename::text, application_name, host(client_addr), 'sleeping', (extract(epoch from state_change) * 10000000)::bigint + 621355968000000000
from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and objsubid = 1 and pg_locks.database = (select oid from pg_database where datname = current_database())
  and (classid::bigint << 32) | objid::bigint = ${resource} limit 1`,
  ),

  unlock: {
    renderings: fixed(statements.unlock),
    answer: async (call: Call) => {
      const [[released] = []] = await call.query(`select pg_advisory_unlock(${resource})`);
      if (!released)
        throw new SqlError({
          number: 1223,
          message: 'Cannot release the application lock because it is not currently held.',
        });
      return { columns: [], rows: [] };
    },
  },

  lockMode: select(
    fixed(statements.lockMode),
    [{ name: 'mode', type: 'nvarchar' }],
    () => `
select case when exists (
  select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted
    and (classid::bigint << 32) | objid::bigint = ${resource}) then 'Exclusive' else 'NoLock' end`,
  ),

  resourceStats: {
    renderings: fixed(statements.resourceStats),
    answer: async ({ server: { load } }: Call) => ({
      columns: (['cpu', 'dataIo', 'logWrite'] as const).map((name) => ({ name, type: 'decimal' as const })),
      rows: [[load.cpu, load.dataIo, load.logWrite]],
    }),
  },

  lockWaits: select(
    fixed(statements.lockWaits),
    (['seesServer', 'seesDatabase', 'waits'] as const).map((name) => ({ name, type: 'int' })),
    () => "select 1, 1, count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  ),

  appPurge: select(
    fixed(statements.appPurge),
    [
      { name: 'state', type: 'int' },
      { name: 'lastRunAt', type: 'datetimeoffset' },
      { name: 'lastDuration', type: 'bigint' },
      { name: 'outcome', type: 'int' },
      { name: 'longest', type: 'bigint' },
      { name: 'runs', type: 'bigint' },
    ],
    () => `
select o.actual_state, run.last_execution_time, run.last_duration, run.execution_type, run.longest, run.runs
from sys.database_query_store_options as o left join lateral (
  select *, max(max_duration) over () as longest, sum(count_executions) over () as runs from sys.query_store
  where strpos(query_sql_text, @appDelete) > 0 order by last_execution_time desc limit 1) as run on true`,
  ),
};
