import type { QueryResult } from 'pg';
import type { RunLock } from '../cacheTable.ts';
import { checkEveryMs, holderText, type LockHolder, sessionLock } from '../sessionLock.ts';
import { type Client, endConnection } from './client.ts';
import type { PostgresConnections } from './connections.ts';
import { begin } from './session.ts';
import * as sql from './statements.ts';

/** Resources that a process holds by the connection for reading: its session would be given the same lock twice. */
const heldBy = new WeakMap<object, Set<string>>();

/**
 * An advisory lock: of the session that also reads where that is this client's own, and of an open transaction on a
 * connection of its own behind a pooler. Both exclude each other.
 */
export async function tryPostgresLock(
  connections: PostgresConnections,
  resource: string,
): Promise<RunLock | undefined> {
  const { client, own } = await connections.reading();
  return own ? trySessionLock(connections, client, resource) : tryTransactionLock(connections, resource);
}

/** Lost with the connection: another run may have begun since. The session is asked so often that it never goes idle. */
async function trySessionLock(
  connections: PostgresConnections,
  client: Client,
  resource: string,
): Promise<RunLock | undefined> {
  const held = heldBy.get(client) ?? new Set();
  heldBy.set(client, held);
  if (held.has(resource)) return undefined;
  const { idle_session_timeout } = connections.limits;
  const key = client.escapeLiteral(resource);
  const ask = async <R extends object>(text: string) => (await connections.query<R & { pid: number }>('read', text))[0];
  const locked = await ask<{ locked: boolean }>(sql.tryLock(key));
  if (!locked?.locked) return undefined;
  held.add(resource);
  const session = {
    // Where the connection was replaced, another backend answers.
    holdsLock: async () => (await ask(sql.backendPid()))?.pid === locked.pid,
    unlock: () => ask(sql.unlock(key)),
    end: async () => void held.delete(resource),
  };
  const every = Math.min(checkEveryMs, idle_session_timeout ? idle_session_timeout.ms / 3 : checkEveryMs);
  const lock = sessionLock(connections.clock, session, every);
  client.once('end', lock.lose);
  return lock;
}

/**
 * An open transaction keeps its backend for as long. It reads committed and waits without a snapshot, so it holds no vacuum
 * and no index build back. The session is asked often enough that no limit on idle ones ends it.
 */
async function tryTransactionLock(connections: PostgresConnections, resource: string): Promise<RunLock | undefined> {
  const { client } = await connections.dedicated('read');
  const { idle_in_transaction_session_timeout, transaction_timeout } = connections.limits;
  const limits = [idle_in_transaction_session_timeout, transaction_timeout];
  const every = Math.min(checkEveryMs, ...limits.flatMap((limit) => (limit ? limit.ms / 3 : [])));
  let pid: number | undefined;

  const key = client.escapeLiteral(resource);
  const take = async () => {
    // As text alone: the cursor of a statement with parameters would keep its snapshot for as long as the transaction.
    const result: QueryResult | QueryResult[] = await client.query(`${begin('read')}; ${sql.tryTransactionLock(key)}`);
    const { rows } = [result].flat().at(-1) as QueryResult<{ locked: boolean; pid: number }>;
    pid = rows[0]?.locked ? rows[0].pid : undefined;
  };
  const letGo = () => client.query('rollback');

  const session = {
    async holdsLock() {
      if (transaction_timeout) {
        // The transaction may not last as long as the run: another follows. Who takes the lock in between has it.
        await Promise.all([letGo(), take()]);
        return pid !== undefined;
      }
      const { rows } = await client.query<{ pid: number }>(sql.backendPid());
      return pid !== undefined && rows[0]?.pid === pid;
    },
    unlock: letGo,
    end: () => endConnection(client),
  };
  let lock: ReturnType<typeof sessionLock> | undefined;
  let ended = false;
  client.on('end', () => {
    ended = true;
    lock?.lose();
  });
  try {
    await take();
    if (pid !== undefined && !ended) lock = sessionLock(connections.clock, session, every);
    return lock;
  } catch (error) {
    throw connections.translate(error, 'connect');
  } finally {
    if (!lock) await endConnection(client);
  }
}

/** The session that holds the lock, as far as this login may see it. */
export async function holderOfLock(connections: PostgresConnections, resource: string): Promise<string | undefined> {
  const [holder] = await connections.query<LockHolder>('read', sql.lockHolder(), [resource]);
  return holderText(holder);
}
