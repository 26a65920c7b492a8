/**
 * The purge beside apps that read, slide, revive and insert, on the real PostgreSQL. A trigger keeps each deleted row as it
 * was, so that "no live entry is ever deleted" is checked row by row.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { purge } from '../../src/lib/sql/purge.ts';
import { overriding, purgeContext } from '../support/policies.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;

/** Entries that the apps touch, and expired ones that nobody touches. */
const touched = 400;
const untouched = 25_000;

async function fill() {
  const table = await engine.create(engine.ordinaryName);
  await table.insert([
    ...Array.from({ length: untouched }, (_, index) => ({
      id: `untouched${index}`,
      expiresInMs: -hour - index,
      size: 1_000,
    })),
    ...Array.from({ length: touched }, (_, index) => ({
      id: `touched${index}`,
      expiresInMs: index % 2 === 0 ? -hour - index : hour,
      size: 3_000,
    })),
  ]);
  await database.query(`
    create table deletions (id text, expiresattime timestamptz, deleted_at timestamptz);
    create function keep_deletion() returns trigger language plpgsql as $$
      begin insert into deletions values (old.id, old.expiresattime, clock_timestamp()); return old; end $$;
    create trigger keep_deletion before delete on public.tokencache for each row execute function keep_deletion();`);
  // The way is chosen by the catalogue, whose number of rows may lag behind the insert.
  await database.query('analyze public.tokencache');
  return table;
}

/** One app: until stopped, slides, revives or inserts a random entry, as the .NET library does. Keeps what it last wrote. */
async function app(stopped: () => boolean, written: Map<string, Date>, number: number) {
  const client = await database.connect();
  for (let step = 0; step < 20_000 && !stopped(); step += 1) {
    // Each app has its own share of the entries, so that the last write to an entry is known.
    const id =
      step % 10 === 0
        ? `new${number}-${step}`
        : `touched${(Math.floor(Math.random() * (touched / 4)) * 4 + number) % touched}`;
    const slide = await client.query(
      "update public.tokencache set expiresattime = now() + $2 * interval '1 ms' where id = $1 and now() <= expiresattime returning expiresattime, length(value)",
      [id, hour],
    );
    if (slide.rows[0]) written.set(id, slide.rows[0].expiresattime);
    else {
      const values = [id, hour];
      const update = await client.query(
        "update public.tokencache set value = 'x', expiresattime = now() + $2 * interval '1 ms' where id = $1 returning expiresattime",
        values,
      );
      const { rows } = update.rows[0]
        ? update
        : await client.query(
            "insert into public.tokencache (id, value, expiresattime) values ($1, 'x', now() + $2 * interval '1 ms') returning expiresattime",
            values,
          );
      written.set(id, rows[0].expiresattime);
    }
  }
}

describe('a purge beside busy apps', () => {
  afterEach(async () => {
    await database.query(
      'drop table if exists public.tokencache, deletions cascade; drop function if exists keep_deletion',
    );
  });

  it.each([
    ['along the expiry index', 'expiry'],
    ['along the primary key', 'key'],
    ['page by page', 'pages'],
  ] as const)('deletes no live entry, and every expired one that nobody touched, %s', async (_, way) => {
    const table = await fill();
    const role = 'purger';
    if (way === 'key')
      await database.query(
        `drop role if exists ${role}; create role ${role} login password 'purger'; grant select, delete on public.tokencache to ${role}; grant insert on deletions to ${role}`,
      );
    const cache = way === 'key' ? table.open({ user: role, password: 'purger' }) : table.open();
    // Without pages, as an engine that cannot read by them.
    const seen = way === 'expiry' ? overriding(cache, { pages: undefined }) : cache;
    const written = new Map<string, Date>();
    let stopped = false;
    const apps = Promise.all([0, 1, 2, 3].map((number) => app(() => stopped, written, number)));
    const report = await purge(purgeContext(seen, { batchTargetMs: 20, pauseRatio: 0.2 })).finally(() => {
      stopped = true;
    });
    await apps;
    await cache.close();

    expect(report).toMatchObject({ stopReason: 'drained', way });
    const cutoff = new Date((report as { cutoff: string }).cutoff);
    const deletions = await database.query<{ id: string; expiresattime: Date }>('select * from deletions');
    expect(deletions.filter(({ expiresattime }) => expiresattime >= cutoff)).toEqual([]);
    expect(written.size).toBeGreaterThan(0);
    const rows = new Map(
      (
        await database.query<{ id: string; expiresattime: Date }>('select id, expiresattime from public.tokencache')
      ).map((row) => [row.id, row.expiresattime]),
    );
    for (const [id, expiry] of written) expect(rows.get(id), id).toEqual(expiry);
    expect([...rows.keys()].filter((id) => id.startsWith('untouched'))).toEqual([]);
    if (way === 'key') await database.query(`drop owned by ${role}; drop role ${role}`);
  });
});
