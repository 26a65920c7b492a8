import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';

/** A database of the test file's own, dropped at its end. */
export interface TestDatabase {
  url: string;
  /** The test's own connection, for setting up and looking. */
  query<R extends pg.QueryResultRow = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  /** Another connection of the test's, ended with the test. */
  connect(): Promise<pg.Client>;
}

/**
 * Makes the file's database before its tests. After each test it fails the one that leaks: a connection of the code under
 * test, or an advisory lock.
 */
export function useTestDatabase(): TestDatabase {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = server.replace(/\/postgres$/, `/${name}`);
  const own = new pg.Pool({ connectionString: url, application_name: 'test', max: 4 });
  // The pool's end does not wait for its sockets: dropping the database then ends the last of them by force.
  own.on('connect', (client) => client.on('error', () => undefined));
  const clients: pg.Client[] = [];
  const query = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await own.query<R>(text, values)).rows;

  beforeAll(() => onServer(server, `create database ${name}`));
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    const leaks = () =>
      query(
        "select application_name, state, query from pg_stat_activity where datname = current_database() and application_name = 'token-cache-maintenance'",
      );
    await expect.poll(leaks, { timeout: 5_000, message: 'connections left open' }).toEqual([]);
    const locks = await query(
      "select * from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    expect(locks, 'advisory locks left').toEqual([]);
  });
  afterAll(async () => {
    await own.end();
    await onServer(server, `drop database ${name} with (force)`);
  });

  return {
    url,
    query,
    connect: async () => {
      const client = new pg.Client({ connectionString: url, application_name: 'test' });
      client.on('error', () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    },
  };
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement);
  await client.end();
}
