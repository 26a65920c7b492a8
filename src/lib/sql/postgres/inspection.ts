import { CacheTableError } from '../cacheTableError.ts';
import {
  contentBytes,
  type DeletePlan,
  type EntryState,
  type InspectedEntry,
  type SchemaFacts,
  type TableInspection,
} from '../inspection.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './inspectionStatements.ts';

interface EntryRow {
  id: string;
  size: number;
  expires_at: Date | number;
  sliding_seconds: string | null;
  absolute_expiration: Date | number | null;
  content: Buffer;
}

/** A row's value lies in TOAST, so a heap page holds about this many rows; small values lie in the page, with fewer. */
const rowsPerPage = 40;
/** Of a small table all rows are looked over: about 10,000 at most, since a row has 130 bytes at least. */
const small = { rows: 9_000, pages: 150, pagesAtMost: 2_000 };
/** A page is what TABLESAMPLE SYSTEM draws. */
const drawnPages = { least: 10, most: 500 };

export class PostgresInspection implements TableInspection {
  readonly #connections: PostgresConnections;
  readonly #table: string;

  constructor(connections: PostgresConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  async sample(rows: number): Promise<InspectedEntry[]> {
    const [{ pages, density } = { pages: 0, density: 0 }] = await this.#query<{ pages: number; density: number }>(
      sql.pages(),
      [this.#table],
    );
    const fewRows = density > 0 && pages * density <= small.rows && pages <= small.pagesAtMost;
    if (pages <= small.pages || fewRows) return this.#entries(sql.sampleRows(this.#table), [rows, contentBytes]);
    const wanted = Math.ceil(rows / Math.max(1, density || rowsPerPage));
    const drawn = Math.min(drawnPages.most, Math.max(drawnPages.least, wanted));
    const sample = [drawn, this.#table, 2 * rows, contentBytes];
    const result = await this.#entries(sql.sampleEntries(this.#table), sample);
    if (result.length >= rowsPerPage) return result;
    return this.#entries(sql.sampleKeys(this.#table), [rows, contentBytes]);
  }

  async #entries(statement: string, values: unknown[]): Promise<InspectedEntry[]> {
    return (await this.#query<EntryRow>(statement, values)).map((row) => ({
      key: row.id,
      size: row.size,
      // The driver gives ±infinity as a number: such an entry never expires.
      expiresAt: new Date(row.expires_at),
      slidingSeconds: row.sliding_seconds === null ? null : Number(row.sliding_seconds),
      absoluteExpiration: row.absolute_expiration === null ? null : new Date(row.absolute_expiration),
      content: row.content,
    }));
  }

  async read(key: string): Promise<boolean> {
    return (await this.#query(sql.readEntry(this.#table), [key])).length > 0;
  }

  async keysWithPrefix(prefix: string, limit: number): Promise<string[]> {
    const pattern = `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
    const rows = await this.#query<{ id: string }>(sql.keysWithPrefix(this.#table), [pattern, limit]);
    return rows.map(({ id }) => id);
  }

  async latestKeys(limit: number): Promise<string[]> {
    return (await this.#query<{ id: string }>(sql.latestKeys(this.#table), [limit])).map(({ id }) => id);
  }

  async state(key: string): Promise<EntryState | undefined> {
    const [row] = await this.#query<{ header: Buffer; digest: string }>(sql.entryState(this.#table), [key]);
    return row && { key, header: row.header, digest: row.digest };
  }

  async schema(): Promise<SchemaFacts> {
    const columns = await this.#query<{
      name: string;
      type: string;
      nullable: boolean;
      collation: string | null;
      deterministic: boolean;
      required: boolean;
    }>(sql.columns(), [this.#table]);
    const indexes = await this.#query<{ index_name: string; is_primary: boolean; columns: string[] }>(
      sql.indexColumns(),
      [this.#table],
    );
    const extras = await this.#query<{ kind: string; name: string }>(sql.extras(), [this.#table]);
    const [facts] = await this.#query<{ version: string; unlogged: boolean }>(sql.tableFacts(), [this.#table]);
    return {
      columns: columns.map(({ name, type, nullable, collation, required }) => ({
        name,
        type,
        nullable,
        collation,
        required,
      })),
      indexes: indexes.map(({ index_name, is_primary, columns: keys }) => ({
        name: index_name,
        columns: keys,
        primary: is_primary,
      })),
      extras,
      // Only a nondeterministic collation, or the type citext, takes keys for equal that differ in case.
      caseSensitive: columns.every(
        ({ name, deterministic, type }) => name !== 'id' || (deterministic && type !== 'citext'),
      ),
      serverVersion: facts?.version ?? 'unknown',
      compatibilityLevel: null,
      sizeLimitBytes: undefined,
      unlogged: facts?.unlogged ?? false,
    };
  }

  async deletePlan(): Promise<DeletePlan> {
    try {
      const [row] = await this.#query<{ 'QUERY PLAN': unknown }>(sql.deletePlan(this.#table), []);
      const scans = /Seq Scan/.test(JSON.stringify(row?.['QUERY PLAN'] ?? ''));
      return { kind: scans ? 'scan' : 'index', basis: 'EXPLAIN' };
    } catch (error) {
      if (!(error instanceof CacheTableError) || error.code !== 'permission_missing') throw error;
      return { kind: 'unknown', reason: `it may not be planned without the right to delete: ${error.advice}` };
    }
  }

  async database(): Promise<string> {
    return (await this.#query<{ name: string }>(sql.database(), []))[0]?.name ?? 'unknown';
  }

  async #query<R extends object>(text: string, values: unknown[]): Promise<R[]> {
    return (await this.#connections.query<R>('read', text, values)).rows;
  }
}
