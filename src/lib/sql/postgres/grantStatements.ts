/** The statements that give rights, each named as what it does. `t`, `s` and `r` are delimited: table, schema, role. */

/** Whether the server takes Entra logins: the functions of Azure's extension are in the database `postgres`. */
export const takesEntra = "select to_regproc('pgaadauth_create_principal_with_oid') is not null as there";

export const roleExists = 'select 1 from pg_catalog.pg_roles where rolname = $1';

/** Azure's columns have other names in its documentation (`rolename`, `objectId`) than on its servers: either is read. */
export const entraRoles = `
select coalesce(p ->> 'rolname', p ->> 'rolename') as role, lower(coalesce(p ->> 'objectid', p ->> 'objectId')) as "objectId"
from (select to_jsonb(listed) as p from pgaadauth_list_principals(false) listed) as principals`;

/** A role of that name, for the object id of an identity; neither administrator nor asked for a second factor. */
export const createRole = "select pgaadauth_create_principal_with_oid($1, $2, 'service', false, false)";

/** An identity that was made again: its role keeps its rights, and stands for the new one. */
export const relabelRole = (r: string, objectId: string) =>
  `SECURITY LABEL FOR "pgaadauth" ON ROLE ${r} IS 'aadauth,oid=${objectId},type=service';`;

export const tableExists = 'select to_regclass($1) is not null as there';

export const createSchema = (s: string) => `CREATE SCHEMA IF NOT EXISTS ${s};`;

/** As Microsoft.Extensions.Caching.Postgres makes it. */
export const createCacheTable = (t: string) => `CREATE UNLOGGED TABLE IF NOT EXISTS ${t} (
  id varchar(449) COLLATE "C" PRIMARY KEY, value bytea NOT NULL, expiresattime timestamptz NOT NULL,
  slidingexpirationinseconds bigint NULL, absoluteexpiration timestamptz NULL);`;

/** The owner alone may create an index: so the table is made with it. */
export const createExpiryIndex = (t: string, index: string) =>
  `CREATE INDEX IF NOT EXISTS ${index} ON ${t} (expiresattime);`;

export const grantUsage = (s: string, r: string) => `GRANT USAGE ON SCHEMA ${s} TO ${r};`;
/** No error where they were never given. */
export const revokeOnTable = (t: string, r: string, rights: string) => `REVOKE ${rights} ON ${t} FROM ${r};`;
export const grantOnTable = (t: string, r: string, rights: string) => `GRANT ${rights} ON ${t} TO ${r};`;

/**
 * On the sequences of `serial` columns, which older models of Entity Framework have: whoever inserts counts them on. An identity
 * column needs no right of its own. `t` and `r` are string literals.
 */
export const grantOnSequences = (t: string, r: string) => `DO $grant$ DECLARE counter text; BEGIN
  FOR counter IN SELECT s.refobjid::regclass FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_depend s ON s.classid = 'pg_attrdef'::regclass AND s.objid = d.oid
    JOIN pg_catalog.pg_class c ON c.oid = s.refobjid AND s.refclassid = 'pg_class'::regclass AND c.relkind = 'S'
    WHERE d.adrelid = ${t}::regclass
  LOOP EXECUTE 'GRANT USAGE ON SEQUENCE ' || counter || ' TO ' || ${r}; END LOOP; END $grant$;`;
