import {
  type BatchOutcome,
  type Cutoff,
  coversLive,
  type ExpiredEntries,
  type ExpiryRange,
  type Instant,
  type KeyRange,
  type LatestExpiry,
  type PurgeWay,
} from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** Reads and deletes expired entries. A batch is tried whole first; where locks are in its way, it passes over them. */
export class PostgresExpiredEntries implements ExpiredEntries {
  readonly #connections: PostgresConnections;
  readonly #table: string;

  constructor(connections: PostgresConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  async latestExpiry(): Promise<LatestExpiry | undefined> {
    const { rows } = await this.#connections.query<{ latest: Instant | null; at: Date | number | null }>(
      'read',
      sql.latestExpiry(this.#table),
    );
    const [row] = rows;
    return row?.latest ? { instant: row.latest, at: row.at instanceof Date ? row.at : null } : undefined;
  }

  async nextRange(after: Instant | undefined, cutoff: Cutoff, limit: number): Promise<ExpiryRange | undefined> {
    const { rows } = await this.#connections.query<{ rows: number; up_to: Instant | null; tied: boolean | null }>(
      'delete', // on the connection that is pinned to the index
      sql.nextRange(this.#table, after !== undefined, coversLive(cutoff)),
      [cutoff, limit, ...optional(after)],
    );
    const [range] = rows;
    return range?.up_to ? { after, upTo: range.up_to, rows: range.rows, tied: range.tied === true } : undefined;
  }

  async deleteRange(range: ExpiryRange, cutoff: Cutoff, limit: number): Promise<BatchOutcome> {
    const hasAfter = range.after !== undefined;
    const skipLocked = () =>
      this.#delete(sql.deleteRangeSkipLocked(this.#table, hasAfter, coversLive(cutoff)), [
        cutoff,
        range.upTo,
        limit,
        ...optional(range.after),
      ]);
    // More rows than the limit lie in a tied range, and a plain DELETE has no limit.
    if (range.tied) return { deleted: await skipLocked(), hitLocks: false };
    try {
      const deleted = await this.#delete(sql.deleteRange(this.#table, hasAfter, coversLive(cutoff)), [
        cutoff,
        range.upTo,
        ...optional(range.after),
      ]);
      return { deleted, hitLocks: false };
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      return { deleted: await skipLocked(), hitLocks: true };
    }
  }

  async nextKeyRange(after: string | undefined, limit: number): Promise<KeyRange | undefined> {
    const { rows } = await this.#connections.query<{ up_to: string | null }>(
      'delete',
      sql.nextKeyRange(this.#table, after !== undefined),
      [limit, ...optional(after)],
    );
    const upTo = rows[0]?.up_to;
    return upTo == null ? undefined : { after, upTo };
  }

  async deleteKeyRange(range: KeyRange, cutoff: Cutoff): Promise<BatchOutcome> {
    const hasAfter = range.after !== undefined;
    const values = [cutoff, range.upTo, ...optional(range.after)];
    try {
      return {
        deleted: await this.#delete(sql.deleteKeyRange(this.#table, hasAfter, coversLive(cutoff)), values),
        hitLocks: false,
        skipped: 0,
      };
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      const deleted = await this.#delete(
        sql.deleteKeyRangeSkipLocked(this.#table, hasAfter, coversLive(cutoff)),
        values,
      );
      const { rows } = await this.#connections.query<{ rows: number }>(
        'delete',
        sql.countKeyRange(this.#table, hasAfter, coversLive(cutoff)),
        values,
      );
      return { deleted, hitLocks: true, skipped: rows[0]?.rows ?? 0 };
    }
  }

  deleteStatement(way: PurgeWay, withLive = false): string {
    if (way === 'pages') return sql.deletePages(this.#table).trim();
    return (way === 'expiry' ? sql.deleteRange : sql.deleteKeyRange)(this.#table, true, withLive).trim();
  }

  async #delete(text: string, values: unknown[]): Promise<number> {
    return (await this.#connections.query('delete', text, values)).rowCount ?? 0;
  }
}

function optional(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

/** Expected, and no error: an app holds a row of the range. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof CacheTableError && error.engineCode === '55P03';
}
