/**
 * Every statement of the PostgreSQL adapter, each named as the function that runs it. `t` is the delimited name of the
 * table; everything else is a parameter. The column names are those of Microsoft.Extensions.Caching.Postgres, which does
 * not quote them, so they are lower case.
 */
import { payloadMarkHex } from '../../payloadHeader.ts';
import { never } from '../cacheTable.ts';

/** A table, and those below it: its partitions, or what inherits from it. `$1` is its name. */
export const family = `
with recursive family as (
  select to_regclass($1)::oid as oid
  union
  select i.inhrelid from family join pg_inherits as i on i.inhparent = family.oid
), member as (select c.* from family join pg_class as c on c.oid = family.oid)`;

/** A policy that lets this login do `command` with every row. */
const openPolicy = (command: string) => `exists (
    select from pg_policy as p where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('${command}', '*')
    and pg_get_expr(p.polqual, p.polrelid) = 'true'
    and exists (select from unnest(p.polroles) as r where case when r = 0 then true else pg_has_role(r, 'USAGE') end))`;

/** Names of triggers that may keep a row. Bits of tgtype: 1 for each row, 2 before, 8 delete. */
const triggersOf = (tables: string) => `
       array(select distinct tgname::text from pg_trigger where tgrelid in (${tables}) and not tgisinternal
             and tgenabled in ('O', 'A') and tgtype & 11 = 11 order by 1) as triggers`;

/**
 * What a run must know first, of the table and of this login. Also the probe for table, columns and the right to read:
 * `where false` reads no row, and asks no foreign server. A new connection pays for each catalogue that it reads, so what few
 * tables need is asked of those alone.
 */
export const firstLook = (t: string) => `
select clock_timestamp() as now, c.relkind as kind, exists (select from pg_inherits where inhparent = c.oid) as divided,
       pg_is_in_recovery() as standby, current_setting('default_transaction_read_only')::bool as read_only,
       has_table_privilege(c.oid, 'DELETE') as may_delete, has_any_column_privilege(c.oid, 'UPDATE') as may_lock,
       format_type(coalesce(nullif(y.typbasetype, 0), y.oid), null) as expiry_type, not e.attnotnull as expiry_nullable,
       row_security_active(c.oid) as secured,
       ${triggersOf('c.oid')},
       (select i.relname from pg_index as x join pg_class as i on i.oid = x.indexrelid join pg_am as am on am.oid = i.relam
        where x.indrelid = c.oid and x.indkey[0] = e.attnum and x.indisvalid and x.indisready and x.indpred is null
        and am.amname = 'btree' order by 1 limit 1)::text as expiry_index,
       array(select rulename::text from pg_rewrite where ev_class = c.oid and ev_type = '4' and ev_enabled <> 'D') as rules
from pg_class as c
join pg_attribute as e on e.attrelid = c.oid and e.attname = 'expiresattime'
join pg_type as y on y.oid = e.atttypid
left join (select id, octet_length(value), expiresattime from ${t} where false) as probe on true
where c.oid = to_regclass($1)`;

/** The traits of a table in parts, with all of these. */
export const partTraits = () => `${family}
select exists (select from member where relkind = 'f') as foreign, ${triggersOf('select oid from family')}`;

/** The policies of a table with row-level security, and whether they let this login see and delete every row. */
export const policies = () => `
select ${openPolicy('r')} and ${openPolicy('d')}
         and not exists (select from pg_policy as p where p.polrelid = c.oid and not p.polpermissive) as sees_all,
       array(select polname::text from pg_policy where polrelid = c.oid order by 1) as policies
from pg_class as c where c.oid = to_regclass($1)`;

/** 64 bits of hash, so that two tables do not share a lock by chance; `name` is a literal. */
const lockKey = (name: string) => `hashtextextended(${name}, 0)`;
export const tryLock = (name: string) =>
  `select pg_try_advisory_lock(${lockKey(name)}) as locked, pg_backend_pid() as pid`;
export const tryTransactionLock = (name: string) =>
  `select pg_try_advisory_xact_lock(${lockKey(name)}) as locked, pg_backend_pid() as pid`;
export const unlock = (name: string) => `select pg_advisory_unlock(${lockKey(name)})`;
export const backendPid = () => 'select pg_backend_pid() as pid';

/** An advisory lock of 64 bits is kept in two halves, with objsubid 1. */
export const lockHolder = () => `
select a.pid as process, a.usename as role, a.application_name as application, host(a.client_addr) as "from", a.state,
       a.state_change as since
from pg_locks as l join pg_stat_activity as a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
and l.database = (select oid from pg_database where datname = current_database())
and (l.classid::bigint << 32) | l.objid::bigint = ${lockKey('$1')}`;

/** pg_locks is readable by everyone, pg_stat_activity's datname too: waits of all sessions, with no special right. */
export const lockWaits = () => `
select count(*)::int as waits
from pg_locks as l
join pg_stat_activity as a using (pid)
where not l.granted and a.datname = current_database()`;

/** Schema of pg_stat_statements, delimited; no row where this database has none. */
export const statisticsSchema = () => `
select quote_ident(n.nspname) as schema from pg_extension as x join pg_namespace as n on n.oid = x.extnamespace
where x.extname = 'pg_stat_statements'`;

/**
 * What sessions and, in schema `statistics`, pg_stat_statements (PostgreSQL 13 and later) know of the statement that `$1` is a
 * pattern of: its last run that still shows, beside the number of runs and the longest. Durations are in milliseconds.
 */
export const appPurge = (statistics: string | undefined) => `
with shown as (
  select query_start as at, case state when 'active' then clock_timestamp() else state_change end - query_start as took
  from pg_stat_activity where datname = current_database() and query ~* $1
  order by query_start desc limit 1
), counted as (${
  statistics
    ? `
  select sum(calls)::float8 as runs, max(max_exec_time) as longest from ${statistics}.pg_stat_statements
  where dbid = (select oid from pg_database where datname = current_database()) and query ~* $1`
    : 'select null::float8 as runs, null::float8 as longest'
})
select pg_has_role('pg_read_all_stats', 'usage') as sees_all, quote_ident(current_user) as user, at,
       (extract(epoch from took) * 1000)::float8 as took, runs, longest
from counted left join shown on true`;

/**
 * Rows in order of expiry; $1 is the cut-off. Strictly less: an entry is readable while now <= expiresattime. A clear takes
 * the entry of the largest expiry too.
 */
const expired = (afterParameter: string | undefined, withLive: boolean) =>
  `expiresattime ${withLive ? '<=' : '<'} $1${afterParameter ? ` and expiresattime > ${afterParameter}` : ''}`;

/**
 * Ranges of `$2` rows each, `$3` of them at most. One row more is read, to see of the last one too whether the next row shares
 * its expiry: then a range by expiry holds too many.
 */
export const nextRanges = (t: string, hasAfter: boolean, withLive: boolean) => `
select count(*)::int as rows, max(expiresattime)::text as up_to,
       coalesce(lead(min(expiresattime)) over (order by part) = max(expiresattime), false) as tied
from (
  select expiresattime, (row_number() over (order by expiresattime) - 1) / $2::int as part
  from ${t}
  where ${expired(hasAfter ? '$4' : undefined, withLive)}
  order by expiresattime
  limit $2::int * $3::int + 1
) as ahead
group by part order by part limit $3`;

/**
 * `now()` beside a purge's cut-off: even a wrong parameter can delete nothing that is alive by the database's own clock. A
 * clear is asked to.
 */
const deletable = (withLive: boolean, of = '') =>
  withLive
    ? `(${of}expiresattime <= $1 or ${of}expiresattime is null)`
    : `${of}expiresattime < $1 and ${of}expiresattime < now()`;

/** Rows of a range, by expiry or by key: up to $2, and after $3. */
export const inRange = (column: 'expiresattime' | 'id', hasAfter: boolean) =>
  `${column} <= $2${hasAfter ? ` and ${column} > $3` : ''}`;

/** Rows of some pages, in the order of storage: each page of the table, and of its values, is touched once. */
export const inPages = 'ctid >= $2::tid and ctid < $3::tid';

/** All the rows at once, the fastest form. Waits for a lock until the session's lock_timeout, then fails as a whole. */
export const deleteRows = (t: string, where: string, withLive: boolean) => `
delete from ${t}
where ${deletable(withLive)} and ${where}`;

/** Passes over locked rows, and stops at the limit, if there is one. The outer condition is checked on the locked row. */
export const deleteUnlockedRows = (t: string, where: string, withLive: boolean, limit?: string) => `
delete from ${t}
where ${deletable(withLive)} and ctid = any (array(
  select ctid from ${t} where ${deletable(withLive)} and ${where}${limit ? ` limit ${limit}` : ''} for update skip locked
))`;

/**
 * The same of a divided table, where an address is one of each of its parts: rows are found by key and told apart by both.
 * Also tells how many rows it had locked for itself: what is left of these, something else than a lock keeps.
 */
export const deleteUnlockedRowsOfParts = (t: string, where: string, withLive: boolean, limit?: string) => `
with unlocked as materialized (
  select id, tableoid as part, ctid as place
  from ${t} where ${deletable(withLive)} and ${where}${limit ? ` limit ${limit}` : ''} for update skip locked
), gone as (
  delete from ${t} as entry using unlocked
  where entry.id = unlocked.id and entry.tableoid = unlocked.part and entry.ctid = unlocked.place and ${deletable(withLive, 'entry.')}
  returning 1
)
select (select count(*) from unlocked)::int as unlocked, (select count(*) from gone)::int as gone`;

export const countRows = (t: string, where: string, withLive: boolean) => `
select count(*)::int as rows from ${t} where ${deletable(withLive)} and ${where}`;

export const deletableKeys = (t: string, where: string, withLive: boolean, limit: number, hasAfter: boolean) => `
select id from ${t}
where ${deletable(withLive)} and ${where}${hasAfter ? ` and id > $${limit + 1}` : ''}
order by id limit $${limit}`;

export const deleteKeys = (t: string, where: string, withLive: boolean, keys: number) =>
  `${deleteRows(t, where, withLive)} and id = any ($${keys})`;
export const countKeys = (t: string, where: string, withLive: boolean, keys: number) =>
  `${countRows(t, where, withLive)} and id = any ($${keys})`;

/** Columns of a foreign key, delimited: its own, and those that they refer to. */
export const foreignKey = () => `
select array(select quote_ident(attname) from unnest(conkey) with ordinality as k (n, o)
             join pg_attribute on attrelid = conrelid and attnum = n order by o) as columns,
       array(select quote_ident(attname) from unnest(confkey) with ordinality as k (n, o)
             join pg_attribute on attrelid = confrelid and attnum = n order by o) as referred
from pg_constraint where contype = 'f' and conname = $1 and conrelid = to_regclass($2)`;

/** Those of these keys to which the other table refers. */
export const referredKeys = (t: string, referrer: string, key: { columns: string[]; referred: string[] }) => `
select id from ${t} as entry where id = any ($1) and exists (
  select from ${referrer} as other where ${key.columns.map((column, at) => `other.${column} = entry.${key.referred[at]}`).join(' and ')})`;

/** Deletes nothing, and waits for the table's own lock as a DELETE does. */
export const probeTableLock = (t: string) => `delete from ${t} where false`;

/** Reading a range of row addresses without reading the whole table came with PostgreSQL 14. */
export const pageCount = () => `
select case when current_setting('server_version_num')::int >= 140000
       then pg_relation_size(to_regclass($1)) / current_setting('block_size')::int else 0 end::int as pages`;

/** The first 20 bytes of a value, and its last: what tells who can read it. */
const start = `coalesce(substring(entry.value from 1 for 20), '')`;
const finish = `coalesce(substring(entry.value from octet_length(entry.value) for 1), '')`;

/** Entries in order of the key; what has expired nobody reads. */
export const nextForms = (t: string, hasAfter: boolean) => `
select id as key, ${start} as start, ${finish} as finish
from ${t} as entry where expiresattime >= now()${hasAfter ? ' and id > $2' : ''} order by id limit $1`;

/** Rows that still have the form that was seen. The outer condition is checked on the locked row; an address is one of each part. */
export const deleteForms = (t: string) => `
delete from ${t} as entry
where (entry.id, ${start}, ${finish}) in (select * from unnest($1::text[], $2::bytea[], $3::bytea[]))
  and (entry.tableoid, entry.ctid) in (select tableoid, ctid from ${t} where id = any ($1::text[]) for update skip locked)
returning entry.id as key`;

/** The last key of the next `$1` rows. */
export const nextKeyRange = (t: string, hasAfter: boolean) => `
select max(id) as up_to
from (select id from ${t}${hasAfter ? ' where id > $2' : ''} order by id limit $1) as batch`;

/**
 * Every index that leads with the expiry column, whatever its name, of the table and of all below it, the table first: a
 * btree, since others have no order, and not a partial one. `exact` is one that may be attached to the index of a partitioned
 * table. A build shows in pg_stat_progress_create_index; its columns but pid and datname are null to a role that may not
 * look into other sessions, so a build that cannot be seen into counts as one of this table.
 */
export const indexState = () => `
with recursive family as (
  select to_regclass($1)::oid as oid, null::oid as parent, 0 as level
  union all
  select i.inhrelid, i.inhparent, level + 1 from family join pg_inherits as i on i.inhparent = family.oid
), builds as (
  select relid, index_relid, phase, blocks_done, blocks_total, tuples_done, tuples_total, true as seen
  from pg_stat_progress_create_index
  where datname = current_database() and (relid in (select oid from family) or relid is null)
), candidates as (
  select i.indrelid, i.indexrelid, c.relname as name, i.indisvalid and i.indisready as usable,
         i.indnatts = 1 and i.indoption[0] = 0 as exact, up.inhparent::regclass::text as attached
  from pg_index as i
  join pg_class as c on c.oid = i.indexrelid
  join pg_am as am on am.oid = c.relam
  join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
  left join pg_inherits as up on up.inhrelid = i.indexrelid
  where i.indrelid in (select oid from family) and am.amname = 'btree' and i.indpred is null and a.attname = 'expiresattime'
)
select n.nspname as schema, t.relname as table, t.relkind = 'p' as divided, family.level, p.relname as parent,
       candidates.name, candidates.usable, candidates.exact, candidates.attached is not null as attached,
       coalesce(builds.seen, false) as building, builds.phase, blocks_done, blocks_total, tuples_done, tuples_total
from family join pg_class as t on t.oid = family.oid join pg_namespace as n on n.oid = t.relnamespace
left join pg_class as p on p.oid = family.parent
left join candidates on candidates.indrelid = family.oid
left join builds on builds.relid = family.oid or builds.relid is null
order by family.level, t.relname, candidates.usable desc nulls last, builds.index_relid is not distinct from candidates.indexrelid desc`;

/** Concurrently: readers and writers go on meanwhile. */
export const createIndex = (t: string, name: string) => `create index concurrently ${name} on ${t} (expiresattime)`;
/** The index of a partitioned table with all its parts, which take no writes meanwhile: for an operator to run. */
export const createIndexOfParts = (t: string, name: string) => `create index ${name} on ${t} (expiresattime)`;
/** The index of a partitioned table alone; it can be used when one of each partition is attached. */
export const createIndexOnly = (t: string, name: string) => `create index ${name} on only ${t} (expiresattime)`;
export const attachIndex = (name: string, partOf: string) => `alter index ${name} attach partition ${partOf}`;
/** Not concurrently, which would wait for every open transaction: an index that was never used goes at once. */
export const dropIndex = (name: string) => `drop index if exists ${name}`;

/** Whoever is the table's owner, or a member of it, and may create in its schema. */
export const mayBuildIndex = () => `
select pg_has_role(c.relowner, 'USAGE') and has_schema_privilege(c.relnamespace, 'CREATE') as may
from pg_class as c where c.oid = to_regclass($1)`;

/** What has the name of an index already. */
export const relationNamed = () => `
select c.relkind in ('i', 'I') as index, i.indrelid::regclass::text as table
from pg_class as c left join pg_index as i on i.indexrelid = c.oid
where c.oid = to_regclass($1)`;

/**
 * n_live_tup follows inserts and deletes; reltuples is as old as the last analyze, and the fallback where statistics were
 * reset. pg_table_size has the TOAST table in it, where most of an entry lies. A divided table has the sums.
 */
export const catalogue = () => `${family}
select sum(case when s.n_live_tup > 0 then s.n_live_tup when c.reltuples >= 0 then c.reltuples end)::bigint as entries,
       sum(pg_table_size(c.oid))::bigint as data_bytes, sum(pg_indexes_size(c.oid))::bigint as index_bytes
from member as c left join pg_stat_all_tables as s on s.relid = c.oid
where c.relkind in ('r', 'm')`;

/** Pages of a table with all below it. `$1` is its name. */
export const pagesOfAll = `greatest(1, (${family} select sum(pg_relation_size(oid)) / 8192 from member))`;

export const countUpTo = (t: string) => `
select count(*) as rows
from (
  select 1 from ${t}
  where expiresattime >= coalesce($2::timestamptz, '-infinity') and expiresattime < coalesce($3::timestamptz, 'infinity')
  limit $1
) as bounded`;

export const countUndated = (t: string) =>
  `select count(*) as rows from (select 1 from ${t} where expiresattime is null limit $1) as bounded`;

/** Without bounds the primary key alone is read, where the visibility map allows it. */
export const countAllUpTo = (t: string) => `select count(*) as rows from (select 1 from ${t} limit $1) as bounded`;

/** By the index, which the order keeps to though the planner's statistics are stale. Ends after a look where nothing has expired. */
export const backlog = (t: string) => `
select (select min(expiresattime)::timestamptz from ${t} where expiresattime > '-infinity') as oldest,
       (select count(*) from (select from ${t} where expiresattime < $1 order by expiresattime limit $2) as bounded)::int as rows`;

export const oldestExpiry = (t: string) =>
  `select min(expiresattime)::timestamptz as oldest from ${t} where expiresattime > '-infinity'`;

/** As text: in full precision, and `infinity`, which Npgsql writes for DateTimeOffset.MaxValue. */
export const latestExpiry = (t: string) =>
  `select max(expiresattime)::text as latest, max(expiresattime)::timestamptz as at, exists (select from ${t}) as undated from ${t}`;

/** An entry that slides lives on to its absolute expiration, if it has one. The last year is .NET's for never. */
export const longestLivedUntil = (t: string) => `
select max(until)::timestamptz as until
from (select greatest(expiresattime, absoluteexpiration) as until from ${t} where expiresattime >= now()) as entries
where until < '9999-01-01'`;

/** Which keys protect how many entries. substring fetches the first chunk of a TOASTed value alone, where it is stored uncompressed. */
export const countByHeader = (t: string) => `
select substring(value from 1 for 20) as header, count(*) as entries
from ${t}
where expiresattime >= now() and substring(value from 1 for octet_length($1::bytea)) = $1::bytea
group by 1`;

/** Random pages, a bounded number of them whatever the size of the table, and rows of them. */
const randomPages = (t: string) =>
  `select * from ${t} tablesample system (least(100, 100.0 * $2 / ${pagesOfAll})) limit $3`;

/**
 * One row of JSON arrays: a row for each entry costs the client a hundred times the memory. octet_length does not fetch a
 * TOASTed value; substring fetches its first chunk, which takes ten times as long as all else here: so of `$4` entries alone, once.
 */
export const sample = (t: string) => `
with drawn as (${randomPages(t)})
select coalesce(json_agg(coalesce(octet_length(value), 0)), '[]') as sizes,
       coalesce(json_agg(case when isfinite(expiresattime) then (extract(epoch from expiresattime) * 1000)::bigint
                              when expiresattime = '-infinity' then -${never} else ${never} end), '[]') as expiries,
       (select coalesce(json_agg(named), '[]')
        from (select encode(header, 'hex') as header, count(*) as entries
              from (select substring(value from 1 for 20) as header
                    from (select value from drawn where expiresattime >= now() order by random() limit $4) as few
                    offset 0) as begun
              where octet_length(header) = 20 and substring(header from 1 for 4) = '\\x${payloadMarkHex}'::bytea
              group by 1) as named) as headers
from drawn`;
export const sampleHeaders = (t: string) =>
  `select case when expiresattime >= now() then coalesce(substring(value from 1 for 20), '') else '' end as header
from (${randomPages(t)}) as drawn`;

export const parts = () => `${family}
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
from member as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and c.oid <> to_regclass($1) order by 1 limit 500`;

/** Those of these tables that hold entries, all of them expired. `names` are delimited. */
export const expiredParts = (names: readonly string[]) =>
  names
    .map(
      (t, index) => `select ${index} as part
where exists (select from ${t}) and not exists (select from ${t} where expiresattime >= $1::timestamptz or expiresattime is null)`,
    )
    .join(' union all ');
