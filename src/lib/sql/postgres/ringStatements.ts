/**
 * Statements on the table in which Entity Framework keeps a key ring. `t` is its delimited name, `c` those of its columns:
 * EF quotes them, so they are `"Id"`, `"FriendlyName"` and `"Xml"` unless the app has a naming convention.
 */

export interface RingColumns {
  id: string;
  friendlyName: string;
  xml: string;
}

/** Tables of that name, in whatever case and with or without underscores; `isMeant` is the one that is exactly it. */
export const tablesLike = () => `
select n.nspname as schema, c.relname as table, c.oid = to_regclass($1) as "isMeant",
       array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v') and not pg_is_other_temp_schema(n.oid)
  and (c.oid = to_regclass($1) or replace(lower(c.relname), '_', '') = replace(lower($2), '_', ''))
order by 3 desc nulls last, 1, 2`;

const columnsOf = (c: RingColumns) => `${c.id} as id, ${c.friendlyName} as "friendlyName", ${c.xml} as xml`;

/** One row at least, for the clock. */
export const ringRows = (t: string, c: RingColumns) => `
select clock_timestamp() as now, row.* from (select) as once
left join (select ${columnsOf(c)} from ${t}) as row on true order by row.id`;

/**
 * Until the transaction ends nobody else writes; reading goes on. It waits for an app that has written and not committed, so
 * that the rows which are read next are all there are.
 */
export const lockRing = (t: string) => `lock table ${t} in share row exclusive mode`;

export const insertElement = (t: string, c: RingColumns) =>
  `insert into ${t} (${c.friendlyName}, ${c.xml}) values ($1, $2)`;
export const updateElement = (t: string, c: RingColumns) => `update ${t} set ${c.xml} = $2 where ${c.id} = $1`;
export const deleteElement = (t: string, c: RingColumns) => `delete from ${t} where ${c.id} = $1`;

export const relationExists = () => 'select to_regclass($1) is not null as there';

/** Where copies of a ring go: Entity Framework knows nothing of this table. */
export const createCopies = (copies: string) => `CREATE TABLE IF NOT EXISTS ${copies} (
  "CopiedAt" text NOT NULL, "Id" integer NOT NULL, "FriendlyName" text NULL, "Xml" text NULL);`;

export const copyRing = (t: string, c: RingColumns, copies: string) => `
insert into ${copies} ("CopiedAt", "Id", "FriendlyName", "Xml")
select $1, ${c.id}, ${c.friendlyName}, ${c.xml} from ${t}`;
