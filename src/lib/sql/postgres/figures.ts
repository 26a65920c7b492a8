import type { CatalogueFigures, SampledEntry, TableFigures } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** A row's value lies in TOAST, so a heap page holds about this many rows; a page is what TABLESAMPLE SYSTEM draws. */
const rowsPerPage = 40;

export class PostgresFigures implements TableFigures {
  readonly #connections: PostgresConnections;
  readonly #table: string;

  constructor(connections: PostgresConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  async catalogue(): Promise<CatalogueFigures> {
    const { rows } = await this.#connections.query<{ entries: string | null; data_bytes: string; index_bytes: string }>(
      'read',
      sql.catalogue(),
      [this.#table],
    );
    const [row] = rows;
    return {
      entries: row?.entries == null ? undefined : Number(row.entries),
      entriesExact: false,
      dataBytes: row && Number(row.data_bytes),
      indexBytes: row && Number(row.index_bytes),
    };
  }

  async countUpTo(
    bounds: { from?: Date; before?: Date },
    limit: number,
    timeLimitMs: number,
  ): Promise<number | undefined> {
    const all = !bounds.from && !bounds.before;
    const row = await this.#within<{ rows: string }>(
      timeLimitMs,
      all ? sql.countAllUpTo(this.#table) : sql.countUpTo(this.#table),
      all ? [limit] : [limit, bounds.from ?? null, bounds.before ?? null],
    );
    return row && Number(row.rows);
  }

  async oldestExpiry(timeLimitMs: number): Promise<Date | undefined> {
    const row = await this.#within<{ oldest: Date | number | null }>(timeLimitMs, sql.oldestExpiry(this.#table), []);
    return row?.oldest instanceof Date ? row.oldest : undefined;
  }

  async longestLivedUntil(timeLimitMs: number): Promise<Date | undefined> {
    const row = await this.#within<{ until: Date | number | null }>(
      timeLimitMs,
      sql.longestLivedUntil(this.#table),
      [],
    );
    return row?.until instanceof Date ? row.until : undefined;
  }

  async countByHeader(mark: Uint8Array, timeLimitMs: number) {
    const rows = await this.#rowsWithin<{ header: Buffer; entries: string }>(
      timeLimitMs,
      sql.countByHeader(this.#table),
      [Buffer.from(mark)],
    );
    return rows?.map(({ header, entries }) => ({ header, entries: Number(entries) }));
  }

  async sample(rows: number): Promise<SampledEntry[]> {
    const result = await this.#connections.query<{ size: number; expires_at: Date | number; header: Buffer }>(
      'read',
      sql.sample(this.#table),
      [Math.ceil(rows / rowsPerPage), this.#table],
    );
    // The driver gives ±infinity as a number, for which no Date is valid: such an entry counts as one that never expires.
    return result.rows.map(({ size, expires_at, header }) => ({ size, expiresAt: new Date(expires_at), header }));
  }

  async #within<R extends object>(timeLimitMs: number, text: string, values: unknown[]): Promise<R | undefined> {
    return (await this.#rowsWithin<R>(timeLimitMs, text, values))?.[0];
  }

  async #rowsWithin<R extends object>(timeLimitMs: number, text: string, values: unknown[]): Promise<R[] | undefined> {
    try {
      return (await this.#connections.queryWithin<R>(timeLimitMs, text, values)).rows;
    } catch (error) {
      if (error instanceof CacheTableError && error.kind === 'timeLimit') return undefined;
      throw error;
    }
  }
}
