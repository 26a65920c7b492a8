import { randomUUID } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { type Client, connect, openPool } from './postgresConnections.ts';

/** A database of the test file's own, dropped at its end. */
export interface TestDatabase {
  url: string;
  /** The test's own connection, for setting up and looking. */
  query<R extends QueryResultRow = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  /** The advisory locks in this database: the server is shared with other files. */
  advisoryLocks(): Promise<{ pid: number }[]>;
  /** Another connection of the test's, ended with the test. */
  connect(): Promise<Client>;
}

/**
 * Makes the file's database before its tests. After each test it fails the one that leaks: a connection of the code under
 * test, or an advisory lock.
 */
export function useTestDatabase(): TestDatabase {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = server.replace(/\/postgres$/, `/${name}`);
  // Opened with the tests: where all of them are skipped, nothing is left open.
  let own: ReturnType<typeof openPool> | undefined;
  const opened = () => {
    if (!own) throw new Error('the database is there within tests alone');
    return own;
  };
  const clients: Client[] = [];
  const query = async <R extends QueryResultRow>(text: string, values: unknown[] = []) =>
    (await opened().query<R>(text, values)).rows;
  const advisoryLocks = () =>
    query<{ pid: number }>(
      "select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );

  beforeAll(async () => {
    await onServer(server, `create database ${name}`);
    own = openPool({ connectionString: url, max: 4 });
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    const leaks = () =>
      query(
        "select application_name, state, query from pg_stat_activity where datname = current_database() and application_name = 'token-cache-maintenance'",
      );
    await expect.poll(leaks, { timeout: 5_000, message: 'connections left open' }).toEqual([]);
    expect(await advisoryLocks(), 'advisory locks left').toEqual([]);
  });
  afterAll(async () => {
    await own?.end();
    await onServer(server, `drop database ${name} with (force)`);
  });

  return {
    url,
    query,
    advisoryLocks,
    connect: async () => {
      const client = await connect({ connectionString: url });
      clients.push(client);
      return client;
    },
  };
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = await connect({ connectionString: server });
  await client.query(statement);
  await client.end();
}
