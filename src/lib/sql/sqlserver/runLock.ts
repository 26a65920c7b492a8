import type { ConnectionPool } from 'mssql';
import type { RunLock } from '../cacheTable.ts';
import { run, type SqlServerConnections } from './connections.ts';
import { text } from './parameters.ts';
import * as statements from './statements.ts';

/** How often the lock's connection is asked whether it holds the lock; often enough that no gateway closes it as idle. */
const checkEveryMs = 5_000;
/** Longer than this, or than a statement may take, no answer is waited for: the lock counts as lost. */
const longestAnswerMs = 5_000;

/** sp_getapplock's answers (its documentation): 0 and 1 granted, -1 timed out, -3 deadlock victim; -999 is a wrong call. */
const notGranted = [-1, -3];

/**
 * An application lock of the session: released when the connection ends, however the process died. Where the server refuses
 * application locks the run goes on without one, and says so: two runs at once do each other no harm, only work twice.
 */
export async function trySqlServerLock(
  connections: SqlServerConnections,
  resource: string,
): Promise<RunLock | undefined> {
  let lock: SqlServerRunLock | undefined;
  const pool = await connections.dedicated(() => lock?.connectionEnded());
  const parameters = { resource: text(255, resource) };
  try {
    const [row] = await run<{ result: number }>(pool, statements.tryLock(), parameters);
    const result = row?.result ?? -999;
    if (result >= 0)
      lock = new SqlServerRunLock(pool, parameters, Math.min(longestAnswerMs, connections.statementTimeoutMs));
    else if (!notGranted.includes(result)) return withoutLock(connections, `sp_getapplock answered ${result}`);
    return lock;
  } catch (error) {
    const failure = connections.translate(error, 'connect');
    if (failure.kind === 'permanent' && failure.answered) return withoutLock(connections, failure.message);
    throw failure;
  } finally {
    if (!lock) await pool.close().catch(() => undefined);
  }
}

function withoutLock(connections: SqlServerConnections, reason: string): RunLock {
  connections.note(`The server gives no application lock, so nothing keeps a second run from the table: ${reason}`);
  return { isHeld: async () => true, release: async () => undefined };
}

class SqlServerRunLock implements RunLock {
  readonly #pool: ConnectionPool;
  readonly #parameters: Parameters<typeof run>[2];
  readonly #answerWithinMs: number;
  #lost = false;
  #checkedAt = performance.now();

  constructor(pool: ConnectionPool, parameters: Parameters<typeof run>[2], answerWithinMs: number) {
    this.#pool = pool;
    this.#answerWithinMs = answerWithinMs;
    this.#parameters = parameters;
  }

  /** The pool has one connection: that of the lock. */
  connectionEnded(): void {
    this.#lost = true;
  }

  /** A connection that the pool replaced, or a pooler switched, is another session: it does not hold the lock, and says so. */
  async isHeld(): Promise<boolean> {
    if (!this.#lost && performance.now() - this.#checkedAt > checkEveryMs) {
      const mode = await this.#ask<{ mode: string }>(statements.lockMode()).then(([row]) => row?.mode);
      this.#lost ||= mode !== 'Exclusive';
      this.#checkedAt = performance.now();
    }
    return !this.#lost;
  }

  async release(): Promise<void> {
    if (!this.#lost) await this.#ask(statements.unlock());
    await this.#pool.close().catch(() => undefined);
  }

  #ask<R>(text: string): Promise<R[]> {
    return run<R>(this.#pool, text, this.#parameters, { timeLimitMs: this.#answerWithinMs }).catch(() => []);
  }
}
