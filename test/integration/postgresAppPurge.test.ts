/** What a PostgreSQL server tells of the web app's own purge, which the real library's statement stands for. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteExpired } from '../../dev/sqlSignIns.ts';
import { sqlMaintenance } from '../../src/lib/app/sqlMaintenance.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { memoryRecords } from '../support/memoryRecords.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const role = `onlooker_${new URL(database.url).pathname.slice(6, 14)}`;
let records = memoryRecords();
/** As the counts tell it. */
const lookAs = async (login?: string) => {
  const url = new URL(database.url);
  if (login) Object.assign(url, { username: login, password: 'role-secret-1' });
  const settings = readSettings({ TOKEN_CACHE_CONNECTION_STRING: url.href }, 'table');
  const caches = sqlMaintenance(settings, { clock: systemClock, records, log: () => undefined });
  const { report } = await caches.counts('default', 'cli');
  return report?.appPurge;
};
/** As a web app that ends its connection afterwards. */
const purgeAsApp = async (table = 'public.tokencache') => {
  const client = await database.connect();
  await deleteExpired(client, table);
  await client.end();
};

beforeEach(async () => {
  records = memoryRecords();
  for (const table of ['tokencache', 'tokencache2'])
    await database.query(`create table ${table} (id text collate "C" primary key, value bytea not null,
      expiresattime timestamptz not null, slidingexpirationinseconds bigint, absoluteexpiration timestamptz);
      create index on ${table} (expiresattime); insert into ${table} values ('a', 'x', now() - interval '1 min')`);
  await database.query(
    `create role ${role} login password 'role-secret-1'; grant select, update, delete on tokencache to ${role}`,
  );
});
afterEach(async () => {
  await database.query(`drop owned by ${role}; drop role ${role}; drop table tokencache, tokencache2;
    create extension if not exists pg_stat_statements schema statistics;
    select statistics.pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)`);
});

describe("the web app's own purge on PostgreSQL", () => {
  it('is not seen where there is none, of another table alone, or by this tool', async () => {
    await purgeAsApp('public.tokencache2');
    expect(await lookAs()).toEqual({ state: 'notSeen' });
    expect(await lookAs()).toEqual({ state: 'notSeen' });
  });

  it('is running where a session still shows it', async () => {
    const client = await database.connect();
    await deleteExpired(client, 'public.tokencache');
    expect(await lookAs()).toMatchObject({ state: 'running', lastOutcome: 'unknown', runs: 1 });
    await client.end();
  });

  it('is counted where no session shows it any more', async () => {
    await purgeAsApp();
    await purgeAsApp();
    expect(await lookAs()).toMatchObject({ state: 'counted', runs: 2, roseAt: null });
    expect(await lookAs()).toMatchObject({ runs: 2, roseAt: null });
    await purgeAsApp();
    const rise = await lookAs();
    expect(rise).toMatchObject({ runs: 3, roseAt: expect.any(String) });
    expect(await lookAs()).toEqual(rise);
  });

  it('is unknown to a login that sees its own statements alone, and the GRANT is told', async () => {
    await purgeAsApp();
    expect(await lookAs(role)).toEqual({
      state: 'unknown',
      reason: `the statements of other users need GRANT pg_read_all_stats TO ${role}`,
    });
    await database.query(`grant pg_read_all_stats to ${role}`);
    expect(await lookAs(role)).toMatchObject({ state: 'counted', runs: 1 });
  });

  it('is unknown where nothing is counted, and what counts is told', async () => {
    await database.query('drop extension pg_stat_statements');
    await purgeAsApp();
    expect(await lookAs()).toEqual({
      state: 'unknown',
      reason: expect.stringContaining('CREATE EXTENSION pg_stat_statements'),
    });
  });
});
