import { payloadMarkHex } from '../../payloadHeader.ts';
import { family, pagesOfAll } from './statements.ts';

/** The statements of a diagnosis, each named as the function that runs it, as those of statements.ts. All read. */

/** The header alone where it is a Data Protection payload (09 F0 C9 F0). */
const entryColumns = (bytes: string) => `
select id, coalesce(octet_length(value), 0) as size, expiresattime::timestamptz as expires_at,
       slidingexpirationinseconds as sliding_seconds,
       coalesce(substring(value from 1 for case when substring(value from 1 for 4) = '\\x${payloadMarkHex}'::bytea then 20
                                           else ${bytes} end), '') as content`;

/** Pages now, and rows of a page as the statistics have it; 0 where there are none. */
export const pages = () => `${family}
select (sum(pg_relation_size(oid)) / 8192)::int as pages,
       sum(greatest(0, reltuples)) / greatest(1, sum(greatest(0, relpages))) as density
from member where relkind = 'r'`;

/** Random rows of a small table, whose rows are all looked over, without their values: neighbours were often written alike. */
export const sampleRows = (t: string) => `${entryColumns('$2')}
from ${t} where (tableoid, ctid) in (select tableoid, ctid from ${t} order by random() limit $1)`;

/** By the primary key: users' ids are random. For a table of many pages that are nearly all empty. */
export const sampleKeys = (t: string) => `${entryColumns('$2')}
from ${t} order by id limit $1`;

/** Random pages, a bounded number of them. */
export const sampleEntries = (t: string) => `${entryColumns('$4')}
from ${t} tablesample system (least(100, 100.0 * $2 / ${pagesOfAll}))
limit $3`;

/** The SELECT of Microsoft.Extensions.Caching.Postgres, without its UPDATE that slides the expiry. */
export const readEntry = (t: string) => `select value from ${t} where id = $1 and now() <= expiresattime`;

/** `$1` ends in %, and holds no other wildcard. */
export const keysWithPrefix = (t: string) => `select id from ${t} where id like $1 order by id limit $2`;

/** Backwards along the expiry index; asked only where there is one. */
export const latestKeys = (t: string) =>
  `select id from ${t} where expiresattime is not null order by expiresattime desc limit $1`;

export const entryState = (t: string) => `
select substring(value from 1 for 20) as header, encode(sha256(value), 'hex') as digest from ${t} where id = $1`;

export const columns = () => `
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
       c.collname as collation, coalesce(c.collisdeterministic, true) as deterministic,
       a.attnotnull and not a.atthasdef and a.attidentity = '' as required
from pg_attribute as a left join pg_collation as c on c.oid = a.attcollation
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum`;

export const indexColumns = () => `
select c.relname as name, i.indisprimary as "primary",
       array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) as n) as columns
from pg_index as i join pg_class as c on c.oid = i.indexrelid
where i.indrelid = to_regclass($1)
order by 1`;

/** What the library's table does not have. Publications stand for change data capture. */
export const extras = () => `
select 'trigger' as kind, tgname as name from pg_trigger where tgrelid = to_regclass($1) and not tgisinternal
union all
select 'foreign key', conname from pg_constraint
where contype = 'f' and (conrelid = to_regclass($1) or confrelid = to_regclass($1))
union all
select 'check constraint', conname from pg_constraint where contype = 'c' and conrelid = to_regclass($1)
union all
select 'rule', rulename from pg_rewrite where ev_class = to_regclass($1)
union all
select 'row-level security', relname from pg_class where oid = to_regclass($1) and relrowsecurity
union all
select 'change data capture', p.pubname from pg_publication_tables as p
join pg_class as c on c.relname = p.tablename join pg_namespace as n on n.oid = c.relnamespace and n.nspname = p.schemaname
where c.oid = to_regclass($1)`;

export const tableFacts = () => `
select current_setting('server_version') as version, c.relpersistence = 'u' as unlogged
from pg_class as c where c.oid = to_regclass($1)`;

/** EXPLAIN plans the library's own DELETE and does not run it. Needs the right to delete, as the purge does. */
export const deletePlan = (t: string) => `explain (format json) delete from ${t} where now() > expiresattime`;

/** Dead and live rows by the statistics, of all partitions together. Without track_counts autovacuum does nothing. */
export const upkeep = () => `
select coalesce(sum(s.n_dead_tup), 0)::float8 as "deadRows", coalesce(sum(s.n_live_tup), 0)::float8 as "liveRows",
       max(greatest(s.last_vacuum, s.last_autovacuum)) as "vacuumedAt",
       current_setting('autovacuum')::bool and current_setting('track_counts')::bool as server,
       bool_and(coalesce((select o.option_value::bool from pg_options_to_table(c.reloptions) as o
                          where o.option_name = 'autovacuum_enabled'), true)) as own
from pg_class as c left join pg_stat_all_tables as s on s.relid = c.oid
where c.relkind <> 'p'
  and (c.oid = to_regclass($1) or c.oid in (select relid from pg_partition_tree(to_regclass($1))))
having count(*) > 0`;

/**
 * What is too old for an everyday transaction of an app. A standby with hot_standby_feedback holds rows by its slot, or without one
 * by its connection. A user without pg_read_all_stats does not see
 * how old others' are.
 */
export const vacuumHolders = () => `
select kind, name, "user", application, state, since from (
  select 'transaction' as kind, pid::text as name, usename::text as "user", nullif(application_name, '') as application,
         state, xact_start as since, greatest(age(backend_xmin), age(backend_xid)) as age
  from pg_stat_activity
  where pid <> pg_backend_pid() and datname = current_database() and backend_type not in ('autovacuum worker', 'walsender')
  union all
  select 'prepared transaction', gid, owner::text, null, null, prepared, age(transaction)
  from pg_prepared_xacts where database = current_database()
  union all
  select 'replication slot', slot_name::text, r.usename::text, nullif(r.application_name, ''),
         case when active then 'active' else 'inactive' end, null, age(xmin)
  from pg_replication_slots left join pg_stat_replication as r on r.pid = active_pid
  union all
  select 'standby', coalesce(host(client_addr), 'on the server itself'), usename::text, nullif(application_name, ''), state, null,
         age(backend_xmin)
  from pg_stat_replication
) as h
where age > 0 and coalesce(since < now() - interval '5 seconds', true)
order by age desc limit 5`;

export const database = () => 'select current_database() as name';
