/** Rows that PostgreSQL does not let go, or does not show: everything else is deleted, and these are named by what keeps them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { clearTable } from '../../src/lib/sql/clear.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import type { PurgePolicy, PurgeRequest } from '../../src/lib/sql/purgeRequest.ts';
import { openPostgres } from '../support/openTables.ts';
import { purgeContext, quickPolicy } from '../support/policies.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const role = `keeper_${new URL(database.url).pathname.slice(6, 14)}`;
const opened: CacheTable[] = [];
const sql = (text: string) => database.query(text);
const open = (login?: string) => {
  const url = new URL(database.url);
  if (login) Object.assign(url, { username: login, password: 'role-secret-1' });
  const cache = openPostgres(url.href);
  opened.push(cache);
  return cache;
};
const run = async (request: PurgeRequest = {}, policy: Partial<PurgePolicy> = {}, login?: string) =>
  (await purge(purgeContext(open(login), { timeBudgetMs: 600_000, ...policy }), request)) as PurgeReport;
const left = async () =>
  (await database.query<{ id: string }>("select id from tokencache where id like 'e%' order by id")).map(
    ({ id }) => id,
  );

beforeEach(async () => {
  await sql(`create table tokencache (id text collate "C" primary key, value bytea not null, expiresattime timestamptz not null,
      slidingexpirationinseconds bigint, absoluteexpiration timestamptz);
    create index on tokencache (expiresattime);
    insert into tokencache select 'e' || g, 'x', now() - interval '5 min' - g * interval '1 s' from generate_series(1, 1500) g;
    insert into tokencache select 'l' || g, 'x', now() + interval '1 hour' from generate_series(1, 20) g;
    create role ${role} login password 'role-secret-1'`);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()));
  await sql(`drop schema public cascade; create schema public; grant usage on schema public to public;
             drop owned by ${role}; drop role ${role}; drop publication if exists everything`);
});

const raising = (condition: string) => `
  create function refuse() returns trigger language plpgsql as $$
    begin if ${condition} then raise exception 'not %', old.id; end if; return old; end $$;
  create trigger refuse before delete on tokencache for each row execute function refuse()`;

describe('a purge passes over', () => {
  it('rows that another table refers to, and names the constraint', async () => {
    await sql(
      "create table audit (cacheid text references tokencache (id)); insert into audit values ('e150'), ('e151'), ('e1400')",
    );
    const report = await run();
    expect(report).toMatchObject({
      stopReason: 'rowsKept',
      deleted: 1_497,
      skippedLocked: 0,
      expiredRemaining: { count: 3 },
    });
    expect(report.kept).toEqual([
      {
        entries: 3,
        cause: expect.stringContaining('constraint audit_cacheid_fkey of "public"."audit"'),
        advice: expect.stringContaining('ON DELETE CASCADE'),
      },
    ]);
    expect(await left()).toEqual(['e1400', 'e150', 'e151']);
    expect(await run()).toMatchObject({ stopReason: 'rowsKept', deleted: 0, kept: [{ entries: 3 }] });
    await sql('drop table audit');
    expect(await run()).toMatchObject({ stopReason: 'drained', deleted: 3, kept: [] });
  });

  it('rows for which a trigger raises, and says what it says', async () => {
    await sql(raising("old.id in ('e7', 'e700')"));
    const report = await run();
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 1_498, kept: [{ entries: 2 }] });
    expect(report.kept[0]?.cause).toMatch(/PostgreSQL P0001: not e\d+ \(PL\/pgSQL function refuse\(\)/);
  });

  it('a trigger that fails for want of a right of its own', async () => {
    await sql(`create table log (id text); grant select, delete on tokencache to ${role};
      create function note() returns trigger language plpgsql as $$ begin insert into log values (old.id); return old; end $$;
      create trigger note before delete on tokencache for each row when (old.id = 'e9') execute function note()`);
    const report = await run({}, {}, role);
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 1_499, kept: [{ entries: 1 }] });
    expect(report.kept[0]?.cause).toContain('permission denied for table log');
    expect(report.kept[0]?.advice).not.toContain('GRANT SELECT, DELETE');
  });

  it('rows of a partition that publishes deletes without a replica identity', async () => {
    await sql(`drop table tokencache; create table tokencache (id text primary key, value bytea, expiresattime timestamptz,
        slidingexpirationinseconds bigint, absoluteexpiration timestamptz) partition by hash (id);
      create table named partition of tokencache for values with (modulus 2, remainder 0);
      create table other partition of tokencache for values with (modulus 2, remainder 1);
      alter table named replica identity nothing;
      insert into tokencache select 'e' || g, 'x', now() - interval '1 h' from generate_series(1, 60) g`);
    const [{ n: named } = { n: 0 }] = await database.query<{ n: number }>('select count(*)::int as n from named');
    await sql("create publication everything for table named with (publish = 'delete')");
    const report = await run();
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 60 - named, kept: [{ entries: named }] });
    expect(report.kept[0]?.advice).toContain('REPLICA IDENTITY');
  });

  it('rows locked by an app with a login that may not lock any', async () => {
    await sql(`grant select, delete on tokencache to ${role}`);
    const holder = await database.connect();
    await holder.query("begin; select 1 from tokencache where id in ('e5', 'e1000') for update");
    expect(await run({}, {}, role)).toMatchObject({
      stopReason: 'drained',
      deleted: 1_498,
      skippedLocked: 2,
      kept: [],
    });
    await holder.query('rollback');
    expect(await run({}, {}, role)).toMatchObject({ stopReason: 'drained', deleted: 2 });
  });

  it('one of many entries of one expiry, and takes the others behind it', async () => {
    await sql("update tokencache set expiresattime = date_trunc('hour', now()) - interval '2 h' where id like 'e%'");
    await sql(
      `create table audit (cacheid text references tokencache (id)); insert into audit select id from tokencache where id like 'e1%'`,
    );
    const kept = (await left()).filter((id) => id.startsWith('e1')).length;
    expect(await run()).toMatchObject({ stopReason: 'rowsKept', deleted: 1_500 - kept, kept: [{ entries: kept }] });
  });

  it('many rows at once, by two constraints, without a try for each of them', async () => {
    await sql(`create table audit (cacheid text references tokencache (id));
      create table seen (part int, cacheid text references tokencache (id), unique (part, cacheid));
      insert into audit select id from tokencache where id like 'e%0';
      insert into seen select 1, id from tokencache where id like 'e%5'`);
    const report = await run();
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 1_200, expiredRemaining: { count: 300 } });
    expect(report.kept.map(({ entries }) => entries)).toEqual([150, 150]);
  });

  it.each(['key', 'pages'])('them on the way by %s too', async (way) => {
    await sql("create table audit (cacheid text references tokencache (id)); insert into audit values ('e150')");
    if (way === 'key') await sql('drop index tokencache_expiresattime_idx');
    if (way === 'key') await sql(`grant select, delete on tokencache to ${role}`);
    else
      await sql(
        `insert into tokencache select 'e' || g, 'x', now() - interval '1 day' from generate_series(2000, 32000) g`,
      );
    // The way is chosen by the catalogue, whose number of rows may lag behind the insert.
    await sql('analyze tokencache');
    const report = await run({}, {}, way === 'key' ? role : undefined);
    expect(report).toMatchObject({ stopReason: 'rowsKept', way, kept: [{ entries: 1 }] });
    expect(await left()).toEqual(['e150']);
  });

  it('all of them, within a bounded time, where none can be deleted', async () => {
    await sql(raising('true'));
    const report = await run({ timeBudgetMs: 6_000 });
    expect(report).toMatchObject({ deleted: 0, stopReason: expect.stringMatching(/rowsKept|timeBudget/) });
    expect(report.kept.reduce((sum, { entries }) => sum + (entries ?? 0), 0)).toBeGreaterThan(0);
  });

  it('them in a clear as well', async () => {
    await sql("create table audit (cacheid text references tokencache (id)); insert into audit values ('l3')");
    const report = await clearTable({ table: open(), policy: quickPolicy, clock: systemClock }, 'web', {
      confirm: 'web',
    });
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 1_519, kept: [{ entries: 1 }] });
  });
});

describe('rows that are refused or hidden without an error', () => {
  it('by a trigger that returns NULL are not locked by apps', async () => {
    await sql(`create function veto() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger veto before delete on tokencache for each row when (old.id like 'e1%') execute function veto()`);
    const kept = (await left()).filter((id) => id.startsWith('e1')).length;
    const report = await run();
    expect(report).toMatchObject({
      stopReason: 'rowsKept',
      deleted: 1_500 - kept,
      skippedLocked: 0,
      kept: [{ entries: kept }],
    });
    expect(report.kept[0]?.cause).toContain('trigger veto');
  });

  it('by a rule are told too', async () => {
    await sql('create rule keep as on delete to tokencache do instead nothing');
    const report = await run();
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 0, skippedLocked: 0, kept: [{ entries: 1_500 }] });
    expect(report.kept[0]?.cause).toContain('rule keep');
  });

  it('by row-level security without a policy are not none', async () => {
    await sql(`grant select, delete on tokencache to ${role}; alter table tokencache enable row level security`);
    const report = await run({}, {}, role);
    expect(report).toMatchObject({
      stopReason: 'rowsKept',
      deleted: 0,
      expiredRemaining: null,
      kept: [{ entries: null }],
    });
    expect(report.kept[0]?.cause).toContain('no policy');
  });

  it('by a policy for reading alone are told with its name', async () => {
    await sql(
      `grant select, delete on tokencache to ${role}; alter table tokencache enable row level security; create policy readers on tokencache for select using (true)`,
    );
    const report = await run({}, {}, role);
    expect(report).toMatchObject({ stopReason: 'rowsKept', deleted: 0, skippedLocked: 0 });
    expect(JSON.stringify(report.kept)).toContain('readers');
  });

  it('by no policy of a login that sees and deletes all', async () => {
    await sql(
      `grant select, delete on tokencache to ${role}; alter table tokencache enable row level security; create policy everything on tokencache using (true)`,
    );
    expect(await run({}, {}, role)).toMatchObject({ stopReason: 'drained', deleted: 1_500, kept: [] });
  });
});
