import type { RunLock } from '../cacheTable.ts';
import { type Client, endConnection } from './client.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** How often the lock's connection is asked whether it lives; often enough that no gateway closes it as idle. */
const checkEveryMs = 5_000;

/** A session-level advisory lock: PostgreSQL releases it when the connection ends, however the process died. */
export async function tryPostgresLock(
  connections: PostgresConnections,
  resource: string,
): Promise<RunLock | undefined> {
  const client = await connections.dedicated('connect');
  let pid: number | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean; pid: number }>(sql.tryLock(), [resource]);
    if (rows[0]?.locked) pid = rows[0].pid;
  } catch (error) {
    throw connections.translate(error, 'connect');
  } finally {
    if (pid === undefined) await endConnection(client);
  }
  return pid === undefined ? undefined : new PostgresRunLock(client, resource, pid);
}

class PostgresRunLock implements RunLock {
  readonly #client: Client;
  readonly #resource: string;
  readonly #pid: number;
  #lost = false;
  #checkedAt = performance.now();

  constructor(client: Client, resource: string, pid: number) {
    this.#client = client;
    this.#resource = resource;
    this.#pid = pid;
    const lost = () => {
      this.#lost = true;
    };
    client.on('error', lost).on('end', lost);
  }

  async isHeld(): Promise<boolean> {
    if (!this.#lost && performance.now() - this.#checkedAt > checkEveryMs) {
      // Another backend answers behind a transaction-mode pooler (PgBouncer): there the lock holds nothing.
      const { rows } = await this.#client.query<{ pid: number }>(sql.backendPid()).catch(() => ({ rows: [] }));
      this.#lost ||= rows[0]?.pid !== this.#pid;
      this.#checkedAt = performance.now();
    }
    return !this.#lost;
  }

  async release(): Promise<void> {
    if (!this.#lost) await this.#client.query(sql.unlock(), [this.#resource]).catch(() => undefined);
    await endConnection(this.#client);
  }
}
