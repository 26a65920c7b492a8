import { createTable } from '../../dev/seed.ts';
import type { CacheEntry } from './diagnosis.ts';
import { createTable as createEndpointTable } from './sqlServer/engine.ts';
import { nowTicks } from './sqlServer/entry.ts';
import type { TestDatabase } from './testDatabase.ts';

/** Tables for the diagnosis, as the libraries create them, and their entries. */

export const postgresTable = 'public.tokencache';

export async function createPostgresCache(database: TestDatabase, { index = true } = {}): Promise<void> {
  await database.query(`drop table if exists ${postgresTable} cascade`);
  await database.query(createTable(postgresTable));
  if (index) await database.query(`create index ix_expiresattime on ${postgresTable} (expiresattime)`);
}

export async function fillPostgres(database: TestDatabase, entries: readonly CacheEntry[]): Promise<void> {
  await database.query(
    `insert into ${postgresTable} (id, value, expiresattime, slidingexpirationinseconds)
     select e.id, e.value, now() + e.ms * interval '1 millisecond', e.sliding
     from unnest($1::text[], $2::bytea[], $3::float8[], $4::bigint[]) as e (id, value, ms, sliding)`,
    columnsOf(entries),
  );
}

export const endpointTable = '"dbo"."TokenCache"';

export async function createEndpointCache(database: TestDatabase, { index = true } = {}): Promise<void> {
  await database.query('create schema if not exists dbo');
  await database.query(`drop table if exists ${endpointTable} cascade`);
  await database.query(createEndpointTable(endpointTable));
  if (index) await database.query(`create index "Index_ExpiresAtTime" on ${endpointTable} ("ExpiresAtTime")`);
}

export async function fillEndpoint(database: TestDatabase, entries: readonly CacheEntry[]): Promise<void> {
  await database.query(
    `with now as materialized (select ${nowTicks} as ticks)
     insert into ${endpointTable} ("Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds")
     select e.id, e.value, now.ticks + (e.ms * 10000)::bigint, e.sliding
     from now, unnest($1::text[], $2::bytea[], $3::float8[], $4::bigint[]) as e (id, value, ms, sliding)`,
    columnsOf(entries),
  );
}

function columnsOf(entries: readonly CacheEntry[]): unknown[] {
  return [
    entries.map(({ key }) => key),
    entries.map(({ value }) => value),
    entries.map(({ expiresInMs }) => expiresInMs),
    entries.map(({ slidingSeconds }) => slidingSeconds),
  ];
}
