/** Broken tables on the embedded PostgreSQL: expired entries, the index, the schema. Entries are postgres.test.ts's. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { remedies } from '../../../src/lib/findings/diagnosis/sql/deadRows.ts';
import { dayMs, diagnose, entries, plainValue, tenant } from '../../support/diagnosis.ts';
import { createPostgresCache, fillPostgres, postgresTable } from '../../support/diagnosisTables.ts';
import { memoryRecords } from '../../support/memoryRecords.ts';
import { leftBehind, record } from '../../support/records.ts';
import { startStandby } from '../../support/standby.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const database = useTestDatabase();
const databaseName = () => new URL(database.url).pathname.slice(1);
beforeEach(async () => {
  await database.query(`alter database ${databaseName()} reset all`);
  await createPostgresCache(database);
});

const fill = (...all: ReturnType<typeof entries>[]) => fillPostgres(database, all.flat());
const plain = (count = 40) => entries(count);
const sql = (text: string) => database.query(text);

const setups: { setup: string; blamed: string[]; build: () => Promise<undefined> }[] = [
  {
    setup: 'expired entries that nobody removes',
    blamed: ['expired-backlog: expired_backlog'],
    build: async () =>
      void (await fill(
        plain(),
        entries(50, () => ({ expiresInMs: -30 * dayMs })),
      )),
  },
  {
    setup: 'a missing expiry index',
    blamed: ['expiry-index: expiry_index_missing'],
    build: async () => {
      await sql('drop index ix_expiresattime');
      await fill(plain());
      return undefined;
    },
  },
  {
    setup: 'the leftover of an index build that broke off',
    blamed: ['expiry-index: expiry_index_invalid'],
    build: async () => {
      await fill(plain());
      await sql("update pg_index set indisvalid = false where indexrelid = 'ix_expiresattime'::regclass");
      return undefined;
    },
  },
  {
    setup: "an index that the library's own DELETE does not use",
    blamed: ['schema-index-use: expiry_index_not_used'],
    build: async () => {
      await fill(plain());
      await sql(`insert into ${postgresTable} select gen_random_uuid() || '.${tenant}', value, expiresattime, slidingexpirationinseconds
                 from ${postgresTable}, generate_series(1, 500)`);
      await sql('analyze');
      await sql(`alter database ${databaseName()} set enable_indexscan to off`);
      await sql(`alter database ${databaseName()} set enable_bitmapscan to off`);
      return undefined;
    },
  },
  {
    setup: 'a column of another type',
    blamed: ['schema-columns: columns_differ'],
    build: async () => {
      await sql(`alter table ${postgresTable} alter column slidingexpirationinseconds type int`);
      await fill(plain());
      return undefined;
    },
  },
  {
    setup: 'a column that takes no NULL',
    blamed: ['schema-columns: columns_differ'],
    build: async () => {
      await fill(plain());
      await sql(`alter table ${postgresTable} alter column slidingexpirationinseconds set not null`);
      return undefined;
    },
  },
  {
    setup: 'a column of somebody else',
    blamed: ['schema-columns: columns_added'],
    build: async () => {
      await fill(plain());
      await sql(`alter table ${postgresTable} add column note text`);
      return undefined;
    },
  },
  {
    setup: 'a column that no entry can be written without',
    blamed: ['schema-columns: columns_differ'],
    build: async () => {
      await fill(plain());
      await sql(`alter table ${postgresTable} add column owner text not null default 'x'`);
      await sql(`alter table ${postgresTable} alter column owner drop default`);
      return undefined;
    },
  },
  {
    setup: 'a condition that refuses entries',
    blamed: ['schema-extras: check_constraint_added'],
    build: async () => {
      await fill(plain());
      await sql(`alter table ${postgresTable} add check (octet_length(value) < 100000)`);
      return undefined;
    },
  },
  {
    setup: 'no primary key',
    blamed: ['schema-key: primary_key_differs'],
    build: async () => {
      await sql(`alter table ${postgresTable} drop constraint tokencache_pkey`);
      await fill(plain());
      return undefined;
    },
  },
  {
    setup: 'a collation that does not tell case apart',
    blamed: ['schema-collation: collation_case_insensitive'],
    build: async () => {
      await sql(
        "create collation if not exists ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
      );
      await sql(`alter table ${postgresTable} alter column id type varchar(449) collate ignore_case`);
      await fill(plain());
      return undefined;
    },
  },
  {
    setup: 'a trigger on the table',
    blamed: ['schema-extras: trigger_added'],
    build: async () => {
      await sql('create or replace function noop() returns trigger language plpgsql as $$ begin return new; end $$');
      await sql(`create trigger audit before update on ${postgresTable} for each row execute function noop()`);
      await fill(plain());
      return undefined;
    },
  },
  {
    setup: 'an index that nobody needs',
    blamed: ['schema-extras: index_added'],
    build: async () => {
      await sql(`create index by_sliding on ${postgresTable} (slidingexpirationinseconds)`);
      await fill(plain());
      return undefined;
    },
  },
];

describe('of a table on PostgreSQL, the diagnosis samples', () => {
  const sampled = async () => {
    const { report, blamed } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url });
    const evidence = report.checks.find(({ check }) => check === 'entries-format')?.evidence;
    return { blamed, count: Number(evidence?.find(({ what }) => what === 'entries sampled')?.value) };
  };

  it('rows of a small table, of which a few neighbours are broken', async () => {
    const value = Buffer.alloc(600, '?');
    await fill(
      entries(300, () => ({ value: plainValue({ size: 400 }) })),
      entries(12, () => ({ value })),
      entries(300, () => ({ value: plainValue({ size: 400 }) })),
    );
    const { blamed, count } = await sampled();
    expect(blamed).toEqual(['entries-format: foreign_format']);
    expect(count).toBe(500);
  });

  it('what is left in a table whose pages are nearly all empty', async () => {
    await fill(entries(3_000, () => ({ value: plainValue({ size: 400 }) })));
    await sql(`delete from ${postgresTable} where id not in (select id from ${postgresTable} order by id limit 3)`);
    expect(await sampled()).toEqual({ blamed: [], count: 3 });
  });
});

describe('of a table on PostgreSQL, the diagnosis blames', () => {
  it.each(setups)('$setup', async ({ build, blamed }) => {
    await build();
    const found = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url });
    expect([found.blamed, found.unknown]).toEqual([blamed, []]);
  });
});

it('tells of a backlog that grows, young as it is, as the finding does', async () => {
  await fill(plain());
  const records = memoryRecords();
  for (const [runs, count] of [100, 200, 300, 400, 500, 600].entries())
    await records.addRun(
      record('purge', 'default', new Date(Date.now() + (runs - 6) * 300_000), { report: leftBehind(count) }),
    );
  const { blamed, report } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url }, { records });
  expect(blamed).toEqual(['expired-backlog: backlog_growing']);
  expect(report.checks.find(({ check }) => check === 'expired-backlog')?.what).toContain(
    'left 100, and now 600 expired',
  );
});

describe('of dead rows, the diagnosis', () => {
  const dead = async (count: number) => {
    await sql(`insert into ${postgresTable} select gen_random_uuid() || '.${tenant}', '{}', now() + interval '1 hour', 1200
               from generate_series(1, ${count})`);
    const { length } = await sql(`delete from ${postgresTable} where value = '{}' returning id`);
    expect(length).toBe(count);
    // The counts of a backend reach the others when it is idle.
    await expect
      .poll(async () => (await sql(`select n_dead_tup::int as dead from pg_stat_user_tables`))[0]?.dead, {
        timeout: 15_000,
      })
      .toBeGreaterThanOrEqual(count);
  };
  const found = async () => {
    const { report } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: database.url });
    return report.checks.find(({ check }) => check === 'dead-rows');
  };

  it('says that autovacuum is off, and how many there are', async () => {
    await fill(plain());
    await sql(`alter table ${postgresTable} set (autovacuum_enabled = off)`);
    expect(await found()).toMatchObject({ status: 'warning', cause: 'autovacuum_off' });
    await dead(3_000);
    const check = await found();
    expect(check).toMatchObject({ status: 'critical', cause: 'autovacuum_off' });
    expect(check?.what).toContain('3,000 dead rows beside 40 live ones');
  });

  it('names the transactions, slots and standbys that hold them, the oldest first', async () => {
    await fill(plain());
    const holder = await database.connect();
    await holder.query("set application_name = 'nightly report'");
    await holder.query('begin isolation level repeatable read');
    const { rows } = await holder.query<{ pid: number }>(
      `select pg_backend_pid() as pid, count(*) from ${postgresTable}`,
    );
    const prepared = await database.connect();
    await prepared.query(`begin; insert into ${postgresTable} values ('prepared', 'x', now())`);
    await prepared.query(`prepare transaction 'left behind'`);
    const slots = ['consumed', 'abandoned'].map((use) => `${use}_${databaseName()}`);
    for (const slot of slots) await sql(`select pg_create_physical_replication_slot('${slot}')`);
    const standbys = [];
    for (const slot of [...slots, undefined]) standbys.push(await startStandby(database.url, slot));
    await standbys[1]?.stop();
    await dead(3_000);
    const named = {
      status: 'warning',
      cause: 'vacuum_held_up',
      what: expect.stringContaining('by nightly report, idle in transaction'),
      advice: expect.stringContaining('pg_terminate_backend'),
    };
    // It counts from an age on that no everyday transaction has.
    await expect.poll(found, { timeout: 20_000 }).toMatchObject(named);
    const check = await found();
    expect(check?.what).toContain(`process ${rows[0]?.pid}`);
    const holders = (check?.evidence ?? []).filter(({ what }) => what in remedies).map(({ value }) => value);
    for (const words of [
      /^The prepared transaction left behind \(of postgres, for /,
      /^The replication slot consumed_\w+ \(of postgres, by standby 1, active\)$/,
      /^The replication slot abandoned_\w+ \(inactive\)$/,
      /^The standby \S+ \(of postgres, by standby 1, \w+\)$/,
    ])
      expect(holders).toContainEqual(expect.stringMatching(words));
    await holder.query('rollback');
    await sql(`rollback prepared 'left behind'`);
    for (const standby of standbys) await standby.stop();
    for (const slot of slots)
      await vi.waitFor(() => sql(`select pg_drop_replication_slot('${slot}')`), { timeout: 10_000 });
    await expect.poll(found, { timeout: 10_000 }).toMatchObject({ status: 'pass' });
  }, 60_000);

  it('leaves those alone that autovacuum is about to remove', async () => {
    await fill(plain());
    await dead(3_000);
    expect(await found()).toMatchObject({ status: 'pass' });
  });
});
