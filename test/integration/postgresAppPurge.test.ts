/** What a PostgreSQL server tells of the web app's own purge, which the real library's statement stands for. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteExpired } from '../../dev/sqlSignIns.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { openPostgres } from '../support/openTables.ts';
import { purgeContext } from '../support/policies.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const role = `onlooker_${new URL(database.url).pathname.slice(6, 14)}`;
const opened: CacheTable[] = [];
const purgeAs = async (login?: string, table = 'public.tokencache') => {
  const url = new URL(database.url);
  if (login) Object.assign(url, { username: login, password: 'role-secret-1' });
  const cache = openPostgres(url.href, table);
  opened.push(cache);
  return ((await purge(purgeContext(cache))) as PurgeReport).appPurge;
};
/** As a web app that ends its connection afterwards. */
const purgeAsApp = async (table = 'public.tokencache') => {
  const client = await database.connect();
  await deleteExpired(client, table);
  await client.end();
};

beforeEach(async () => {
  for (const table of ['tokencache', 'tokencache2'])
    await database.query(`create table ${table} (id text collate "C" primary key, value bytea not null,
      expiresattime timestamptz not null, slidingexpirationinseconds bigint, absoluteexpiration timestamptz);
      create index on ${table} (expiresattime); insert into ${table} values ('a', 'x', now() - interval '1 min')`);
  await database.query(
    `create role ${role} login password 'role-secret-1'; grant select, update, delete on tokencache to ${role}`,
  );
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()));
  await database.query(`drop owned by ${role}; drop role ${role}; drop table tokencache, tokencache2;
    create extension if not exists pg_stat_statements schema statistics;
    select statistics.pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)`);
});

describe("the web app's own purge on PostgreSQL", () => {
  it('is not seen where there is none, of another table alone, or by this tool', async () => {
    await purgeAsApp('public.tokencache2');
    expect(await purgeAs()).toEqual({ state: 'notSeen' });
    expect(await purgeAs()).toEqual({ state: 'notSeen' });
  });

  it('is running where a session still shows it', async () => {
    const client = await database.connect();
    await deleteExpired(client, 'public.tokencache');
    expect(await purgeAs()).toMatchObject({ state: 'running', lastOutcome: 'unknown', runs: 1 });
    await client.end();
  });

  it('is counted where no session shows it any more', async () => {
    await purgeAsApp();
    await purgeAsApp();
    expect(await purgeAs()).toMatchObject({ state: 'counted', runs: 2 });
  });

  it('is unknown to a login that sees its own statements alone, and the GRANT is told', async () => {
    await purgeAsApp();
    expect(await purgeAs(role)).toEqual({
      state: 'unknown',
      reason: `the statements of other users need GRANT pg_read_all_stats TO ${role}`,
    });
    await database.query(`grant pg_read_all_stats to ${role}`);
    expect(await purgeAs(role)).toMatchObject({ state: 'counted', runs: 1 });
  });

  it('is unknown where nothing is counted, and what counts is told', async () => {
    await database.query('drop extension pg_stat_statements');
    await purgeAsApp();
    expect(await purgeAs()).toEqual({
      state: 'unknown',
      reason: expect.stringContaining('CREATE EXTENSION pg_stat_statements'),
    });
  });
});
