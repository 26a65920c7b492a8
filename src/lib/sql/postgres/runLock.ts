import type { RunLock } from '../cacheTable.ts';
import { sessionLock } from '../sessionLock.ts';
import { endConnection } from './client.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** A session-level advisory lock. */
export async function tryPostgresLock(
  connections: PostgresConnections,
  resource: string,
): Promise<RunLock | undefined> {
  const client = await connections.dedicated('connect');
  let pid: number | undefined;
  const lock = sessionLock(connections.clock, {
    // Another backend answers behind a transaction-mode pooler (PgBouncer): there the lock holds nothing.
    holdsLock: async () => (await client.query<{ pid: number }>(sql.backendPid())).rows[0]?.pid === pid,
    unlock: () => client.query(sql.unlock(), [resource]),
    end: () => endConnection(client),
  });
  client.on('error', lock.lose).on('end', lock.lose);
  try {
    const { rows } = await client.query<{ locked: boolean; pid: number }>(sql.tryLock(), [resource]);
    if (rows[0]?.locked) pid = rows[0].pid;
  } catch (error) {
    throw connections.translate(error, 'connect');
  } finally {
    if (pid === undefined) await endConnection(client);
  }
  return pid === undefined ? undefined : lock;
}
