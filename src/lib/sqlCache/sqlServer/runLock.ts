import type { RunLock } from '../cacheTable.ts';
import { run, type SqlServerConnections, sql } from './connections.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';

/** How often the lock's connection is asked whether it holds the lock; often enough that no gateway closes it as idle. */
const checkEveryMs = 5_000;

/** sp_getapplock's answers (its documentation): 0 and 1 granted, -1 timed out, -3 deadlock victim; -999 is a wrong call. */
const notGranted = [-1, -3];

/** An application lock of the session: released when the connection ends, however the process died. */
export async function trySqlServerLock(
  connections: SqlServerConnections,
  traits: ServerTraits,
  resource: string,
): Promise<RunLock | undefined> {
  const pool = await connections.dedicated();
  const parameters = { resource: { type: sql.NVarChar(255), value: resource } };
  let granted = false;
  try {
    const [row] = await run<{ result: number }>(pool, statements.tryLock(), parameters);
    const result = row?.result ?? -999;
    granted = result >= 0;
    if (granted) return new SqlServerRunLock(pool, parameters);
    if (notGranted.includes(result) || traits.babelfish) return undefined;
    throw new Error(`sp_getapplock answered ${result}`);
  } catch (error) {
    throw connections.translate(error, 'connect');
  } finally {
    if (!granted) await pool.close().catch(() => undefined);
  }
}

class SqlServerRunLock implements RunLock {
  readonly #pool: sql.ConnectionPool;
  readonly #parameters: Parameters<typeof run>[2];
  #lost = false;
  #checkedAt = performance.now();

  constructor(pool: sql.ConnectionPool, parameters: Parameters<typeof run>[2]) {
    this.#pool = pool;
    this.#parameters = parameters;
  }

  /** The pool replaces a lost connection silently; the new session does not hold the lock, and says so. */
  async isHeld(): Promise<boolean> {
    if (!this.#lost && performance.now() - this.#checkedAt > checkEveryMs) {
      const [row] = await run<{ mode: string }>(this.#pool, statements.lockMode(), this.#parameters).catch(() => []);
      this.#lost = row?.mode !== 'Exclusive';
      this.#checkedAt = performance.now();
    }
    return !this.#lost;
  }

  async release(): Promise<void> {
    if (!this.#lost) await run(this.#pool, statements.unlock(), this.#parameters).catch(() => undefined);
    await this.#pool.close().catch(() => undefined);
  }
}
