import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { temporaryFolder } from '../../dev/temporaryFolder.ts';
import { connect } from './postgresConnections.ts';
import type { TestDatabase } from './testDatabase.ts';

/** Whether Debian's `pgbouncer` is installed; where not, what needs it is skipped, and says so. */
export const pgbouncerFound = spawnSync('pgbouncer', ['--version']).status === 0;
if (!pgbouncerFound) console.log('pgbouncer is not installed: the tests through a pooler are skipped');

export type PoolMode = 'session' | 'transaction' | 'statement';

/** It refuses to run as root: then as nobody. */
const nobody = 65_534;

/**
 * A PgBouncer of the test file's own before its database, with fewer connections to the server than clients have, but in session mode. After each
 * test it fails the one that left something in a session that others get.
 * @param users logins beside the superuser's, as `{ name: password }`
 */
export function usePgbouncer(
  database: TestDatabase,
  poolMode: PoolMode,
  {
    users = {},
    poolSize = poolMode === 'session' ? 16 : 4,
  }: { users?: Record<string, string>; poolSize?: number } = {},
): { url(): string } {
  const { hostname, port, username, password, pathname } = new URL(database.url);
  let child: ChildProcess | undefined;
  let listenPort = 0;
  let remove = () => {};
  const url = (path = pathname) => `postgres://${username}:${password}@127.0.0.1:${listenPort}${path}`;

  beforeAll(async () => {
    if (!pgbouncerFound) return;
    listenPort = await freePort();
    const folder = temporaryFolder('pgbouncer');
    remove = folder.remove;
    chmodSync(folder.path, 0o755);
    const logins = Object.entries({ [username]: password, ...users });
    writeFileSync(join(folder.path, 'users'), logins.map(([name, secret]) => `"${name}" "${secret}"\n`).join(''));
    writeFileSync(
      join(folder.path, 'ini'),
      `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder.path, 'users')}
admin_users = ${username}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
`,
    );
    const asNobody = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
    child = spawn('pgbouncer', ['--quiet', join(folder.path, 'ini')], { stdio: 'ignore', ...asNobody });
    const reached = async () => {
      const client = await connect({ connectionString: url() });
      await client.end();
      return true;
    };
    await vi.waitUntil(() => reached().catch(() => false), { timeout: 10_000, interval: 100 });
  });
  afterAll(async () => {
    if (child && child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    remove();
  });
  // Registered after the database's own, so that this one comes first: it sees the pooled sessions, and then closes them.
  afterEach(async () => {
    if (!child) return;
    const admin = await connect({ connectionString: url('/pgbouncer') });
    try {
      const clients = async () =>
        (await admin.query<{ application_name: string }>('show clients')).rows.filter(
          ({ application_name }) => application_name === 'token-cache-maintenance',
        );
      await expect.poll(clients, { timeout: 5_000, message: 'clients left' }).toEqual([]);
      expect(await database.advisoryLocks(), 'advisory locks left with the pooler').toEqual([]);
      // In statement mode no session can be held to be looked at.
      const left = poolMode === 'statement' ? [] : await settingsLeft(url(), poolSize);
      for (const settings of left) expect(settings, 'settings left with the pooler').toEqual([]);
      await admin.query(`kill ${pathname.slice(1)}`);
      await admin.query(`resume ${pathname.slice(1)}`);
    } finally {
      await admin.end();
    }
  });
  return { url };
}

/** What is set otherwise than for a new session, in each session of the pool: all are taken at once, and seen. */
async function settingsLeft(connectionString: string, poolSize: number): Promise<object[][]> {
  const clients = await Promise.all(
    Array.from({ length: poolSize }, () => connect({ connectionString, application_name: 'test' })),
  );
  try {
    await Promise.all(clients.map((client) => client.query('begin')));
    return await Promise.all(
      clients.map(async (client) => {
        const { rows } = await client.query<{ name: string; setting: string }>(
          "select name, setting from pg_settings where source = 'session' and setting is distinct from reset_val and name not in ('application_name', 'client_encoding')",
        );
        await client.query('commit');
        return rows;
      }),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
