-- The cache table, where the web app has not made it, and the rights of docs/operations.md, "Rights". Run in the cache's
-- database, safe to run again. maintenance.role: name of the role. maintenance.schema, maintenance.table: the table.
DO $$
DECLARE
  role text := current_setting('maintenance.role');
  cache_schema text := current_setting('maintenance.schema');
  cache_table text := current_setting('maintenance.table');
BEGIN
  EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', cache_schema);
  -- As Microsoft.Extensions.Caching.Postgres makes it.
  EXECUTE format(
    'CREATE UNLOGGED TABLE IF NOT EXISTS %I.%I (id varchar(449) COLLATE "C" PRIMARY KEY, value bytea NOT NULL, '
    'expiresattime timestamptz NOT NULL, slidingexpirationinseconds bigint NULL, absoluteexpiration timestamptz NULL)',
    cache_schema, cache_table);
  -- The owner alone may create an index: so it is made here.
  EXECUTE format('CREATE INDEX IF NOT EXISTS ix_expiresattime ON %I.%I (expiresattime)', cache_schema, cache_table);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', cache_schema, role);
  EXECUTE format('GRANT SELECT, DELETE ON %I.%I TO %I', cache_schema, cache_table, role);
END
$$;
