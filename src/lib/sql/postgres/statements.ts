/**
 * Every statement of the PostgreSQL adapter, each named as the function that runs it. `t` is the delimited name of the
 * table; everything else is a parameter. The column names are those of Microsoft.Extensions.Caching.Postgres, which does
 * not quote them, so they are lower case.
 */
import { never } from '../cacheTable.ts';

/** Also the probe for table, columns and the right to read: `limit 0` reads no row. */
export const clock = (t: string) => `
select clock_timestamp() as now
from (select 1) as one
left join (select id, octet_length(value), expiresattime from ${t} limit 0) as probe on true`;

/** 64 bits of hash, so that two tables do not share a lock by chance; `name` is a literal. */
const lockKey = (name: string) => `hashtextextended(${name}, 0)`;
export const tryLock = (name: string) =>
  `select pg_try_advisory_lock(${lockKey(name)}) as locked, pg_backend_pid() as pid`;
export const tryTransactionLock = (name: string) =>
  `select pg_try_advisory_xact_lock(${lockKey(name)}) as locked, pg_backend_pid() as pid`;
/** Of a lock on a bigint, pg_locks has the upper half in classid and the lower one in objid (PostgreSQL documentation, "pg_locks"). */
export const isLocked = () => `
select exists (
  select from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = ${lockKey('$1')}
) as locked`;
export const unlock = (name: string) => `select pg_advisory_unlock(${lockKey(name)})`;
export const backendPid = () => 'select pg_backend_pid() as pid';

/** pg_locks is readable by everyone, pg_stat_activity's datname too: waits of all sessions, with no special right. */
export const lockWaits = () => `
select count(*)::int as waits
from pg_locks as l
join pg_stat_activity as a using (pid)
where not l.granted and a.datname = current_database()`;

/**
 * Rows in order of expiry; $1 is the cut-off. Strictly less: an entry is readable while now <= expiresattime. A clear takes
 * the entry of the largest expiry too.
 */
const expired = (afterParameter: string | undefined, withLive: boolean) =>
  `expiresattime ${withLive ? '<=' : '<'} $1${afterParameter ? ` and expiresattime > ${afterParameter}` : ''}`;

/** One row more than the limit is read, to see whether its expiry is that of the last row: then a range by expiry holds too many. */
export const nextRange = (t: string, hasAfter: boolean, withLive: boolean) => `
select least(count(*), $2)::int as rows,
       (max(expiresattime) filter (where n <= $2))::text as up_to,
       count(*) > $2 and max(expiresattime) = max(expiresattime) filter (where n <= $2) as tied
from (
  select expiresattime, row_number() over (order by expiresattime) as n
  from ${t}
  where ${expired(hasAfter ? '$3' : undefined, withLive)}
  order by expiresattime
  limit $2 + 1
) as batch`;

/**
 * `now()` beside a purge's cut-off: even a wrong parameter can delete nothing that is alive by the database's own clock. A
 * clear is asked to.
 */
const deletable = (withLive: boolean) =>
  withLive ? 'expiresattime <= $1' : 'expiresattime < $1 and expiresattime < now()';

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

export const countRows = (t: string, where: string, withLive: boolean) => `
select count(*)::int as rows from ${t} where ${deletable(withLive)} and ${where}`;

/** Reading a range of row addresses without reading the whole table came with PostgreSQL 14. */
export const pageCount = () => `
select case when current_setting('server_version_num')::int >= 140000
       then pg_relation_size(to_regclass($1)) / current_setting('block_size')::int else 0 end::int as pages`;

/** The last key of the next `$1` rows. */
export const nextKeyRange = (t: string, hasAfter: boolean) => `
select max(id) as up_to
from (select id from ${t}${hasAfter ? ' where id > $2' : ''} order by id limit $1) as batch`;

/**
 * Every index that leads with the expiry column, whatever its name: a btree, since others have no order, and not a partial
 * one. A build shows in pg_stat_progress_create_index; its columns but pid and datname are null to a role that may not
 * look into other sessions, so a build that cannot be seen into counts as one of this table.
 */
export const indexState = () => `
with builds as (
  select relid, index_relid, phase, blocks_done, blocks_total, tuples_done, tuples_total
  from pg_stat_progress_create_index
  where datname = current_database() and (relid = to_regclass($1) or relid is null)
), candidates as (
  select i.indexrelid, c.relname as name, i.indisvalid and i.indisready as usable
  from pg_index as i
  join pg_class as c on c.oid = i.indexrelid
  join pg_am as am on am.oid = c.relam
  join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
  where i.indrelid = to_regclass($1) and am.amname = 'btree' and i.indpred is null and a.attname = 'expiresattime'
)
select candidates.name, candidates.usable, builds.phase, builds.index_relid is not distinct from candidates.indexrelid as mine,
       builds is not null as building, blocks_done, blocks_total, tuples_done, tuples_total
from candidates full join builds on true
order by candidates.usable desc nulls last, mine desc`;

/** Concurrently: readers and writers go on meanwhile. */
export const createIndex = (t: string, name: string) => `create index concurrently ${name} on ${t} (expiresattime)`;
/** Not concurrently, which would wait for every open transaction: an index that was never used goes at once. */
export const dropIndex = (name: string) => `drop index if exists ${name}`;

/**
 * n_live_tup follows inserts and deletes; reltuples is as old as the last analyze, and the fallback where statistics were
 * reset. pg_table_size has the TOAST table in it, where most of an entry lies.
 */
export const catalogue = () => `
select case when s.n_live_tup > 0 then s.n_live_tup when c.reltuples >= 0 then c.reltuples end::bigint as entries,
       pg_table_size(c.oid) as data_bytes, pg_indexes_size(c.oid) as index_bytes
from pg_class as c left join pg_stat_all_tables as s on s.relid = c.oid
where c.oid = to_regclass($1)`;

export const countUpTo = (t: string) => `
select count(*) as rows
from (
  select 1 from ${t}
  where expiresattime >= coalesce($2::timestamptz, '-infinity') and expiresattime < coalesce($3::timestamptz, 'infinity')
  limit $1
) as bounded`;

/** Without bounds the primary key alone is read, where the visibility map allows it. */
export const countAllUpTo = (t: string) => `select count(*) as rows from (select 1 from ${t} limit $1) as bounded`;

export const oldestExpiry = (t: string) => `select min(expiresattime) as oldest from ${t}`;

/** As text: in full precision, and `infinity`, which Npgsql writes for DateTimeOffset.MaxValue. */
export const latestExpiry = (t: string) =>
  `select max(expiresattime)::text as latest, max(expiresattime) as at from ${t}`;

/** An entry that slides lives on to its absolute expiration, if it has one. The last year is .NET's for never. */
export const longestLivedUntil = (t: string) => `
select max(until) as until
from (select greatest(expiresattime, absoluteexpiration) as until from ${t} where expiresattime >= now()) as entries
where until < '9999-01-01'`;

/** Which keys protect how many entries. substring fetches the first chunk of a TOASTed value alone, where it is stored uncompressed. */
export const countByHeader = (t: string) => `
select substring(value from 1 for 20) as header, count(*) as entries
from ${t}
where expiresattime >= now() and substring(value from 1 for octet_length($1::bytea)) = $1::bytea
group by 1`;

/** Random pages, a bounded number of them whatever the size of the table. */
const randomPages = (t: string) =>
  `${t} tablesample system (least(100, 100.0 * $1 / greatest(1, pg_relation_size($2::regclass) / 8192)))`;

/**
 * One row of two JSON arrays: a row for each entry costs the client a hundred times the memory. octet_length does not fetch a
 * TOASTed value.
 */
export const sample = (t: string) => `
select coalesce(json_agg(octet_length(value)), '[]') as sizes,
       coalesce(json_agg(case when isfinite(expiresattime) then (extract(epoch from expiresattime) * 1000)::bigint else ${never} end), '[]') as expiries
from ${randomPages(t)}`;
export const sampleHeaders = (t: string) => `select substring(value from 1 for 20) as header from ${randomPages(t)}`;
