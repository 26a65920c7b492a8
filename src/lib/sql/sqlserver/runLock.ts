import type { RunLock } from '../cacheTable.ts';
import { unlessRefused } from '../cacheTableError.ts';
import { holderText, type LockHolder, sessionLock } from '../sessionLock.ts';
import { run, type SqlServerConnections } from './connections.ts';
import { text } from './parameters.ts';
import * as statements from './statements.ts';

/** Longer than this, or than a statement may take, no answer is waited for: the lock counts as lost. */
const longestAnswerMs = 5_000;

/** sp_getapplock's answers (its documentation): 0 and 1 granted, -1 timed out, -3 deadlock victim; -999 is a wrong call. */
const notGranted = [-1, -3];

/**
 * An application lock of the session. Where the server refuses application locks the run goes on without one, and says so:
 * two runs at once do each other no harm, only work twice.
 */
export async function trySqlServerLock(
  connections: SqlServerConnections,
  resource: string,
): Promise<RunLock | undefined> {
  const parameters = { resource: text(255, resource) };
  const timeLimitMs = Math.min(longestAnswerMs, connections.statementTimeoutMs);
  let lock: ReturnType<typeof sessionLock> | undefined;
  // The pool has one connection, that of the lock, once it is open.
  const pool = await connections.dedicated(() => lock?.lose());
  const ask = <R>(statement: string) => run<R>(pool, statement, parameters, { timeLimitMs });
  try {
    const [row] = await run<{ result: number }>(pool, statements.tryLock(), parameters);
    const result = row?.result ?? -999;
    if (result < 0 && !notGranted.includes(result)) return withoutLock(connections, `sp_getapplock answered ${result}`);
    if (result >= 0)
      lock = sessionLock(connections.clock, {
        // A connection that the pool replaced, or a pooler switched, is another session: it does not hold the lock, and says so.
        holdsLock: async () => (await ask<{ mode: string }>(statements.lockMode()))[0]?.mode === 'Exclusive',
        unlock: () => ask(statements.unlock()),
        end: () => pool.close(),
      });
    return lock;
  } catch (error) {
    const failure = connections.translate(error, 'connect');
    if (failure.kind === 'permanent' && failure.answered) return withoutLock(connections, failure.message);
    throw failure;
  } finally {
    if (!lock) await pool.close().catch(() => undefined);
  }
}

/** The session that holds the lock, as far as this login may see it. */
export async function holderOfLock(connections: SqlServerConnections, resource: string): Promise<string | undefined> {
  const parameters = { resource: text(255, resource) };
  const asked = connections.query<LockHolder>('read', statements.lockHolder(), parameters);
  return holderText((await unlessRefused(asked))?.[0]);
}

function withoutLock(connections: SqlServerConnections, reason: string): RunLock {
  connections.note(`The server gives no application lock, so nothing keeps a second run from the table: ${reason}`);
  return { isHeld: async () => true, release: async () => undefined };
}
