import type { BatchOutcome, ExpiredEntries, ExpiryRange, Instant, KeyRange, PurgeWay } from '../cacheTable.ts';
import { type Parameters, type SqlServerConnections, sql } from './connections.ts';
import { fromInstant, toInstant } from './instant.ts';
import * as statements from './statements.ts';

const expiry = (value: Date) => ({ type: sql.DateTimeOffset(7), value });
const key = (value: string) => ({ type: sql.NVarChar(449), value });
const int = (value: number) => ({ type: sql.Int, value });

/** Reads and deletes expired entries. READPAST passes over locked rows; only a table lock makes a batch fail. */
export class SqlServerExpiredEntries implements ExpiredEntries {
  readonly #connections: SqlServerConnections;
  readonly #table: string;

  constructor(connections: SqlServerConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  async nextRange(after: Instant | undefined, cutoff: Date, limit: number): Promise<ExpiryRange | undefined> {
    const [row] = await this.#connections.query<{ rows: number; upTo: Date | null; lastSeen: Date | null }>(
      'delete',
      statements.nextRange(this.#table, after !== undefined),
      { cutoff: expiry(cutoff), limit: int(limit), ...bound(after) },
    );
    if (!row?.upTo || !row.lastSeen) return undefined;
    const upTo = toInstant(row.upTo);
    return { after, upTo, rows: Math.min(row.rows, limit), tied: row.rows > limit && toInstant(row.lastSeen) === upTo };
  }

  async deleteRange(range: ExpiryRange, cutoff: Date, limit: number): Promise<BatchOutcome> {
    const [row] = await this.#connections.query<{ deleted: number }>(
      'delete',
      statements.deleteRange(this.#table, range.after !== undefined),
      {
        cutoff: expiry(cutoff),
        upTo: expiry(fromInstant(range.upTo)),
        limit: int(limit),
        ...bound(range.after),
      },
    );
    return { deleted: row?.deleted ?? 0, hitLocks: false };
  }

  async nextKeyRange(after: string | undefined, limit: number): Promise<KeyRange | undefined> {
    const [row] = await this.#connections.query<{ upTo: string | null }>(
      'delete',
      statements.nextKeyRange(this.#table, after !== undefined),
      {
        limit: int(limit),
        ...(after !== undefined && { after: key(after) }),
      },
    );
    return row?.upTo == null ? undefined : { after, upTo: row.upTo };
  }

  async deleteKeyRange(range: KeyRange, cutoff: Date): Promise<BatchOutcome> {
    const [row] = await this.#connections.query<{ deleted: number; skipped: number }>(
      'delete',
      statements.deleteKeyRange(this.#table, range.after !== undefined),
      { cutoff: expiry(cutoff), upTo: key(range.upTo), ...(range.after !== undefined && { after: key(range.after) }) },
    );
    return { deleted: row?.deleted ?? 0, hitLocks: false, skipped: row?.skipped ?? 0 };
  }

  deleteStatement(way: PurgeWay): string {
    return (way === 'key' ? statements.deleteKeyRange : statements.deleteRange)(this.#table, true).trim();
  }
}

function bound(after: Instant | undefined): Parameters {
  return after === undefined ? {} : { after: expiry(fromInstant(after)) };
}
