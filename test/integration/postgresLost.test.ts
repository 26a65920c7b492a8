/** A backend that is ended from outside fails what waits for it, and never the process, whatever its connection does. */
import { Socket } from 'node:net';
import type { ClientConfig } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { parseConnectionString } from '../../src/lib/sql/postgres/connectionString.ts';
import { PostgresConnections } from '../../src/lib/sql/postgres/connections.ts';
import { tryPostgresLock } from '../../src/lib/sql/postgres/runLock.ts';
import { start } from '../support/childProcess.ts';
import { openPool } from '../support/postgresConnections.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const lost = { kind: 'transient', code: 'database_unavailable' };

const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
beforeAll(() => void process.on('uncaughtExceptionMonitor', note).on('unhandledRejection', note));
afterEach(() => expect(uncaught.splice(0), 'uncaught errors').toEqual([]));
afterAll(() => void process.off('uncaughtExceptionMonitor', note).off('unhandledRejection', note));

/** The backends of these applications, in this database. */
const backendsOf = async (name: string) =>
  (
    await database.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname = current_database() and application_name = $1',
      [name],
    )
  ).map(({ pid }) => pid);
/** Ends them and waits until they have gone. */
const endBackends = async (...pids: number[]) =>
  expect(
    await database.query('select pg_terminate_backend(pid, 5000) as gone from unnest($1::int[]) as pid', [pids]),
  ).toEqual(pids.map(() => ({ gone: true })));

describe('a lost backend of the cache', () => {
  const opened: PostgresConnections[] = [];
  const open = (more: ClientConfig = {}) => {
    const connection = parseConnectionString(database.url);
    const connections = new PostgresConnections({
      connection: { ...connection, driver: { ...connection.driver, ...more } },
      table: 'x',
      clock: systemClock,
      statementTimeoutMs: 30_000,
    });
    opened.push(connections);
    return connections;
  };
  const backends = () => backendsOf('token-cache-maintenance');
  const works = async (connections: PostgresConnections) =>
    expect(await connections.query('read', 'select 1 as one')).toEqual([{ one: 1 }]);
  afterEach(() => Promise.all(opened.splice(0).map((connections) => connections.close())));

  it('is replaced where it was idle in its pool', async () => {
    const connections = open();
    await works(connections);
    await connections.query('delete', 'select 1');
    const before = await backends();
    expect(before).toHaveLength(2);
    await endBackends(...before);
    await works(connections);
  });

  it('fails its statement, and is replaced for the next', async () => {
    const connections = open();
    const failed = expect(connections.query('read', 'select pg_sleep(60)')).rejects.toMatchObject(lost);
    await expect.poll(backends).toHaveLength(1);
    await endBackends(...(await backends()));
    await failed;
    await works(connections);
  });

  it('fails its statement within a transaction', async () => {
    const connections = open();
    const failed = expect(connections.query('read', 'select pg_sleep(60)', [], 60_000)).rejects.toMatchObject(lost);
    await expect.poll(backends).toHaveLength(1);
    await endBackends(...(await backends()));
    await failed;
    await works(connections);
  });

  it.each([
    ['a pool', (connections: PostgresConnections) => connections.query('read', 'select 1')],
    ['a single connection', (connections: PostgresConnections) => connections.dedicated('read')],
  ])('fails %s that is connecting', async (_, connect) => {
    let socket = new Socket();
    const stream = () => {
      socket = new Socket();
      return socket;
    };
    // The backend waits after the login, for a debugger as the manual says.
    const failed = expect(connect(open({ stream, options: '-c post_auth_delay=10' }))).rejects.toMatchObject(lost);
    let starting: { pid: number }[] = [];
    const look = async () => {
      const text = "select pid from pg_stat_activity where state = 'starting' and client_port = $1";
      starting = await database.query<{ pid: number }>(text, [socket.localPort ?? 0]);
      return starting;
    };
    await expect.poll(look).toHaveLength(1);
    await endBackends(...starting.map(({ pid }) => pid));
    await failed;
  });

  it('leaves a pool that is ending to its end', async () => {
    const connections = open();
    await works(connections);
    const [pid = 0] = await backends();
    await afterGoodbye(pid, () => connections.close());
    opened.splice(0);
  });

  it('takes the lock with it', async () => {
    const connections = open();
    const lock = await tryPostgresLock(connections, 'a run');
    expect(await lock?.isHeld()).toBe(true);
    await endBackends(...(await backends()));
    await expect.poll(() => lock?.isHeld()).toBe(false);
    await lock?.release();
  });

  it('lets a lock that is being released go', async () => {
    const lock = await tryPostgresLock(open(), 'a run');
    const [pid = 0] = await backends();
    await afterGoodbye(pid, async () => lock?.release());
  });

  it('fails nothing between two statements of a connection outside the pools', async () => {
    const { client } = await open().dedicated('read');
    const end = new Promise<void>((resolve) => client.once('end', resolve));
    await endBackends(...(await backends()));
    await end;
    await expect(client.query('select 1')).rejects.toThrow('not queryable');
    await client.end();
  });
});

describe('a purge whose process stands still while its connections are ended', () => {
  afterAll(() => database.query('drop table tokencache; drop function take_long()'));

  it('deletes nothing more when it wakes up: another run may have begun', async () => {
    await database.query(`
      create table tokencache (id text primary key, value bytea not null, expiresattime timestamptz,
        slidingexpirationinseconds bigint, absoluteexpiration timestamptz);
      create index on tokencache (expiresattime);
      insert into tokencache (id, value, expiresattime)
        select n, '', now() - n * interval '1 s' from generate_series(1000, 20000) as n;
      create function take_long() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$;
      create trigger take_long after delete on tokencache for each statement execute function take_long()`);
    const count = async () =>
      (await database.query<{ rows: number }>('select count(*)::int as rows from tokencache'))[0]?.rows ?? 0;
    const all = await count();
    const waiting = async () =>
      (
        await database.query(
          "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
        )
      ).length;
    const { child, finished } = start('src/cli/main.ts', ['purge'], {
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      RECORD_STORE: 'none',
    });
    await expect.poll(count).toBeLessThan(all);
    // In the midst of a batch.
    await expect.poll(waiting).toBe(1);
    child.kill('SIGSTOP');
    await endBackends(...(await backendsOf('token-cache-maintenance')));
    const left = await count();
    child.kill('SIGCONT');
    const { stdout, stderr } = await finished;
    expect(stdout + stderr).toContain("holds the run's lock was lost");
    expect(left).toBeGreaterThan(0);
    expect(await count()).toBe(left);
  });
});

/** Ends a backend that has not yet been given a turn to read the client's goodbye: it answers that with its own end. */
async function afterGoodbye(pid: number, end: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const ended = end();
  await database.query('select pg_terminate_backend($1)', [pid]).finally(() => process.kill(pid, 'SIGCONT'));
  await ended;
}

describe("a pool of the tests' own", () => {
  const application_name = 'pool';
  let pool: ReturnType<typeof openPool>;
  beforeEach(() => {
    pool = openPool({ connectionString: database.url, application_name });
  });

  it('has ended when its backends have', async () => {
    await pool.query('select 1');
    const [pid = 0] = await backendsOf(application_name);
    process.kill(pid, 'SIGSTOP');
    let ended = false;
    const end = pool.end().then(() => {
      ended = true;
    });
    await database.query('select pg_sleep(0.1)').finally(() => process.kill(pid, 'SIGCONT'));
    expect(ended).toBe(false);
    await end;
    expect(await backendsOf(application_name)).toEqual([]);
  });

  it('may lose a backend while it is ending', async () => {
    await pool.query('select 1');
    const [pid = 0] = await backendsOf(application_name);
    await afterGoodbye(pid, () => pool.end());
  });

  it('may lose a backend that is checked out and idle', async () => {
    const client = await pool.connect();
    const end = new Promise<void>((resolve) => client.once('end', resolve));
    await endBackends(...(await backendsOf(application_name)));
    await end;
    client.release();
    await pool.end();
  });
});
