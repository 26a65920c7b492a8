/** Tables that are not as the library makes them: of another kind, with other columns, or less of a right to them. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { entryJudge } from '../../src/lib/keyRing/entries/judgeEntries.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { clearTable } from '../../src/lib/sql/clear.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgePlan, PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { openPostgres } from '../support/openTables.ts';
import { indexPolicy, purgeContext, quickPolicy } from '../support/policies.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const opened: CacheTable[] = [];
const roles = new Set<string>();
const open = (login?: string) => {
  const url = new URL(database.url);
  if (login) Object.assign(url, { username: login, password: 'role-secret-1' });
  const cache = openPostgres(url.href);
  opened.push(cache);
  return cache;
};
const sql = (text: string) => database.query(text);
const columns = `id text collate "C" primary key, value bytea, expiresattime timestamptz, slidingexpirationinseconds bigint, absoluteexpiration timestamptz`;
/** Expired entries e1…, and live ones l1…. */
const fill = (expired: number, alive: number) =>
  sql(`insert into tokencache select 'e' || g, 'x', now() - interval '5 min' - g * interval '1 s' from generate_series(1, ${expired}) g;
       insert into tokencache select 'l' || g, 'x', now() + interval '1 hour' from generate_series(1, ${alive}) g`);
const ids = async () =>
  (await database.query<{ id: string }>('select id from tokencache order by id')).map(({ id }) => id);
const count = async () => (await database.query<{ n: number }>('select count(*)::int as n from tokencache'))[0]?.n;
const role = async (name: string, rights: string) => {
  roles.add(name);
  await sql(`create role ${name} login password 'role-secret-1'; ${rights}`);
  return name;
};
const run = async (cache: CacheTable, request = {}) => (await purge(purgeContext(cache), request)) as PurgeReport;
const clear = (cache: CacheTable, request = {}) =>
  clearTable({ table: cache, policy: quickPolicy, clock: systemClock }, 'web', request);
const index = (cache: CacheTable) => ensureExpiryIndex(cache, { ...indexPolicy, name: undefined }, systemClock);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()));
  await sql(`drop schema public cascade; create schema public; grant usage on schema public to public;
             drop schema if exists elsewhere cascade; drop extension if exists postgres_fdw cascade`);
  for (const name of roles) await sql(`drop owned by ${name}; drop role ${name}`);
  roles.clear();
  await sql(`alter database "${new URL(database.url).pathname.slice(1)}" reset all`);
});

describe('a relation that is not a table', () => {
  const kinds: [string, string, string][] = [
    ['a view', 'view', 'create view tokencache as select * from elsewhere.entries'],
    [
      'a materialised view',
      'materialised view',
      'create materialized view tokencache as select * from elsewhere.entries',
    ],
    [
      'a foreign table',
      'foreign table',
      `create extension postgres_fdw; create server other foreign data wrapper postgres_fdw;
       create user mapping for public server other; create foreign table tokencache (${columns.replace(' primary key', '')}) server other`,
    ],
    [
      'a table with a foreign partition',
      'foreign table',
      `create extension postgres_fdw; create server other foreign data wrapper postgres_fdw;
       create table tokencache (${columns.replace(' primary key', '')}) partition by hash (id);
       create foreign table part partition of tokencache for values with (modulus 1, remainder 0) server other`,
    ],
  ];
  it.each(kinds)('%s is refused by every job alike, with its reason', async (_, reason, create) => {
    await sql(`create schema elsewhere; create table elsewhere.entries (${columns}); ${create}`);
    const refused = { code: 'table_unsuitable', message: expect.stringContaining(reason) };
    await expect(run(open())).rejects.toMatchObject(refused);
    await expect(run(open(), { dryRun: true })).rejects.toMatchObject(refused);
    await expect(index(open())).rejects.toMatchObject(refused);
    await expect(countEntries(open(), systemClock)).rejects.toMatchObject(refused);
    await expect(clear(open())).rejects.toMatchObject(refused);
  });
});

describe('a divided table', () => {
  const byMonth = `create table tokencache (${columns.replace(' primary key', '')}, primary key (id, expiresattime)) partition by range (expiresattime);
    create table old partition of tokencache for values from (minvalue) to ('2020-01-01');
    create table young partition of tokencache for values from ('2020-01-01') to (maxvalue) partition by hash (id);
    create table young0 partition of young for values with (modulus 2, remainder 0);
    create table young1 partition of young for values with (modulus 2, remainder 1)`;

  it('gets its index part by part, on several levels, and again for a new part', async () => {
    await sql(byMonth.replace('expiresattime timestamptz', 'expiresattime timestamptz not null'));
    await fill(200, 20);
    expect(await index(open())).toMatchObject({ outcome: 'created', name: 'IX_tokencache_ExpiresAtTime' });
    const valid = await database.query<{ valid: boolean }>(
      `select i.indisvalid as valid from pg_index i where i.indexrelid = '"IX_tokencache_ExpiresAtTime"'::regclass`,
    );
    expect(valid).toEqual([{ valid: true }]);
    await sql(
      'alter table young detach partition young1; create table young2 partition of young for values with (modulus 2, remainder 1)',
    );
    expect(await index(open())).toMatchObject({ outcome: 'present' });
  });

  it('goes on with the next part where a build was broken off', async () => {
    await sql(`create table tokencache (${columns}) partition by hash (id)`);
    for (const part of [0, 1, 2])
      await sql(`create table p${part} partition of tokencache for values with (modulus 3, remainder ${part})`);
    await sql(
      'create index "IX_tokencache_ExpiresAtTime" on only tokencache (expiresattime); create index own on p1 (expiresattime)',
    );
    const cache = open();
    expect(await cache.expiryIndex.state()).toEqual({
      kind: 'paused',
      name: 'IX_tokencache_ExpiresAtTime',
      percent: 33,
    });
    expect(await index(cache)).toMatchObject({ outcome: 'created', after: 'present' });
    expect(
      await database.query('select 1 from pg_inherits where inhparent = \'"IX_tokencache_ExpiresAtTime"\'::regclass'),
    ).toHaveLength(3);
  });

  it('says in a plan which parts have expired as a whole, and has sizes', async () => {
    await sql(byMonth.replace('expiresattime timestamptz', 'expiresattime timestamptz not null'));
    await fill(50, 20);
    await sql("insert into tokencache select 'o' || g, 'x', '2019-05-05' from generate_series(1, 300) g; analyze");
    const plan = (await purge(purgeContext(open()), { dryRun: true })) as PurgePlan;
    expect(plan.warnings.join(' ')).toMatch(/1 part of the table has expired: public\.old\./);
    const counts = await countEntries(open(), systemClock);
    expect(counts.dataBytes).toBeGreaterThan(8_000);
    expect(counts).toMatchObject({ entries: { count: 370 }, expired: { count: 350 } });
    expect(await run(open(), { maxRows: 301 })).toMatchObject({ deleted: 301 });
    expect(await run(open())).toMatchObject({ stopReason: 'drained', deleted: 49 });
  });

  it('that is inherited from keeps a row limit to the row too', async () => {
    await sql(`create table tokencache (${columns}); create table child (primary key (id)) inherits (tokencache)`);
    await sql(
      "insert into tokencache select 'a' || g, 'x', date_trunc('hour', now()) - interval '3 h' from generate_series(1, 50) g",
    );
    await sql(
      "insert into child select 'b' || g, 'x', date_trunc('hour', now()) - interval '3 h' from generate_series(1, 50) g",
    );
    expect(await run(open(), { maxRows: 7 })).toMatchObject({ stopReason: 'rowLimit', deleted: 7 });
    expect(await count()).toBe(93);
  });
});

describe('an expiry without a time zone', () => {
  const zoneless = columns.replaceAll('timestamptz', 'timestamp');
  it.each(['UTC', 'America/New_York', 'Asia/Kolkata'])(
    'is UTC, whatever the zone of this process: %s',
    async (zone) => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      try {
        await sql(`set time zone 'UTC'; create table tokencache (${zoneless})`);
        await sql(`insert into tokencache select 'e' || g, 'x', (now() at time zone 'UTC') - g * interval '7 min' from generate_series(1, 90) g;
                 insert into tokencache select 'l' || g, 'x', (now() at time zone 'UTC') + g * interval '7 min' from generate_series(1, 90) g`);
        const counts = await countEntries(open(), systemClock);
        expect(counts).toMatchObject({ expired: { count: 90 }, active: { count: 90 } });
        const report = await run(open());
        expect(report).toMatchObject({ stopReason: 'drained', deleted: 90, expiredRemaining: { count: 0 } });
        expect(report.oldestExpiredAge.before).toMatch(/^PT10H3\dM/);
        expect(report.warnings.join(' ')).toContain('timestamp without time zone');
        expect((await ids()).filter((id) => id.startsWith('l'))).toHaveLength(90);
        expect(await clear(open(), { confirm: 'web' })).toMatchObject({ stopReason: 'drained', deleted: 90 });
      } finally {
        process.env.TZ = before;
      }
    },
  );

  it('is refused where sessions of the database have another zone', async () => {
    await sql(`create table tokencache (${zoneless})`);
    await sql(`alter database "${new URL(database.url).pathname.slice(1)}" set timezone to 'America/New_York'`);
    await expect(run(open())).rejects.toMatchObject({
      code: 'table_unsuitable',
      message: expect.stringContaining('America/New_York'),
    });
  });

  it('of a type that is not an instant is refused by name', async () => {
    await sql(`create table tokencache (${columns.replace('expiresattime timestamptz', 'expiresattime bigint')})`);
    await expect(run(open())).rejects.toMatchObject({
      code: 'table_unsuitable',
      message: expect.stringContaining('bigint'),
    });
  });
});

describe('values that the library never writes', () => {
  it('are counted as what they are, and a clear takes them', async () => {
    await sql(`create table tokencache (${columns})`);
    await fill(10, 5);
    await sql(
      `insert into tokencache values ('ever', 'x', '-infinity'), ('never', 'x', 'infinity'), ('undated', 'x', null), ('empty', null, now() - interval '1 h'), ('both', null, null)`,
    );
    expect(await countEntries(open(), systemClock)).toMatchObject({
      entries: { count: 20 },
      expired: { count: 12 },
      active: { count: 6 },
      undated: { count: 2 },
    });
    expect(await run(open())).toMatchObject({ stopReason: 'drained', deleted: 12 });
    expect(await clear(open())).toMatchObject({ wouldDelete: { count: 8 }, active: { count: 6 } });
    expect(await clear(open(), { confirm: 'web' })).toMatchObject({
      stopReason: 'drained',
      deleted: 8,
      way: 'key',
      remaining: { count: 0 },
    });
    expect(await ids()).toEqual([]);
  });

  it('are left by a clear of what nobody can read, where they tell nothing of that', async () => {
    await sql(
      `create table tokencache (${columns}); insert into tokencache values ('a', null, now() + interval '1 h')`,
    );
    const judge = entryJudge({ verdicts: undefined, expect: undefined });
    expect(await clear(open(), { judge, confirm: 'web' })).toMatchObject({ stopReason: 'drained', deleted: 0 });
  });

  it('alone are cleared too', async () => {
    await sql(
      `create table tokencache (${columns}); insert into tokencache values ('a', 'x', null), ('b', null, null)`,
    );
    expect(await clear(open(), { confirm: 'web' })).toMatchObject({ stopReason: 'drained', deleted: 2 });
    expect(await ids()).toEqual([]);
  });
});

describe('the name of the index', () => {
  it('is the own one of each table of a schema', async () => {
    await sql(
      `create table tokencache (${columns}); create table other (${columns}); create index "IX_TokenCache_ExpiresAtTime" on other (expiresattime)`,
    );
    expect(await index(open())).toMatchObject({ outcome: 'created', name: 'IX_tokencache_ExpiresAtTime' });
  });

  it('that another table has is told as that', async () => {
    await sql(
      `create table tokencache (${columns}); create table other (${columns}); create index taken on other (expiresattime)`,
    );
    await expect(ensureExpiryIndex(open(), { ...indexPolicy, name: 'taken' }, systemClock)).rejects.toMatchObject({
      code: 'index_name_taken',
      message: expect.stringContaining('It is an index of other.'),
    });
  });
});

describe('a right to delete that is missing', () => {
  it('is told by a run on an empty table, a dry run and a clear alike', async () => {
    await sql(`create table tokencache (${columns}); create index on tokencache (expiresattime)`);
    const reader = await role('reader', 'grant select on tokencache to reader');
    const missing = {
      code: 'permission_missing',
      advice: expect.stringContaining('GRANT SELECT, DELETE ON "public"."tokencache" TO "reader"'),
    };
    await expect(run(open(reader))).rejects.toMatchObject(missing);
    await expect(run(open(reader), { dryRun: true })).rejects.toMatchObject(missing);
    await expect(clear(open(reader))).rejects.toMatchObject(missing);
    expect(await countEntries(open(reader), systemClock)).toMatchObject({ entries: { count: 0 } });
  });

  it('to the index is told by dry runs, with the statement for the owner', async () => {
    await sql(`create table tokencache (${columns})`);
    const purger = await role('purger', 'grant select, delete on tokencache to purger');
    const told = [
      expect.stringMatching(
        /^This login may not build .* run `create index concurrently .* on "public"."tokencache" \(expiresattime\);`/,
      ),
    ];
    expect(await run(open(purger), { dryRun: true })).toMatchObject({ index: 'missing', way: 'key', warnings: told });
    const index = await ensureExpiryIndex(open(purger), indexPolicy, systemClock, { dryRun: true });
    expect(index).toMatchObject({ outcome: 'missing', warnings: told });
  });

  it('is told of a role that may only read', async () => {
    await sql(`create table tokencache (${columns})`);
    const reader = await role(
      'readonly',
      'grant select, delete on tokencache to readonly; alter role readonly set default_transaction_read_only = on',
    );
    await expect(run(open(reader), { dryRun: true })).rejects.toMatchObject({ code: 'database_read_only' });
  });
});

describe('a table lock', () => {
  it.each(['exclusive', 'access exclusive'])('in %s mode ends a run within its budget', async (mode) => {
    await sql(`create table tokencache (${columns}); create index on tokencache (expiresattime)`);
    await fill(50, 5);
    const holder = await database.connect();
    await holder.query(`begin; lock table tokencache in ${mode} mode`);
    const ended = run(open(), { timeBudgetMs: 2_000 }).then(
      ({ stopReason }) => stopReason,
      ({ code }: { code: string }) => code,
    );
    // The statement timeout of 30 s would outlast this.
    const limit = systemClock.sleep(15_000).then(() => 'still waiting');
    expect(await Promise.race([ended, limit])).toMatch(/timeBudget|statement_timeout|lock_in_the_way/);
    await holder.query('rollback');
  });
});
