import type { BatchOutcome, StoredPages } from '../cacheTable.ts';
import type { PostgresConnections } from './connections.ts';
import { isLockTimeout } from './entries.ts';
import * as sql from './statements.ts';

/** Deletes by row address (ctid: page, and place in it). A batch is tried whole first, like one by expiry. */
export class PostgresStoredPages implements StoredPages {
  readonly #connections: PostgresConnections;
  readonly #table: string;

  constructor(connections: PostgresConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  async count(): Promise<number> {
    const { rows } = await this.#connections.query<{ pages: number | null }>('read', sql.pageCount(), [this.#table]);
    return rows[0]?.pages ?? 0;
  }

  async deletePages(from: number, to: number, cutoff: Date): Promise<BatchOutcome> {
    const values = [cutoff, `(${from},0)`, `(${to},0)`];
    try {
      const { rowCount } = await this.#connections.query('delete', sql.deletePages(this.#table), values);
      return { deleted: rowCount ?? 0, hitLocks: false };
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      const { rowCount } = await this.#connections.query('delete', sql.deletePagesSkipLocked(this.#table), values);
      return { deleted: rowCount ?? 0, hitLocks: true };
    }
  }
}
