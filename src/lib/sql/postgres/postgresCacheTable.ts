import type { Clock } from '../../clock.ts';
import type { CacheTable, DatabaseLoad, RunLock } from '../cacheTable.ts';
import type { PostgresConnection } from './connectionString.ts';
import { PostgresConnections } from './connections.ts';
import { PostgresExpiredEntries } from './entries.ts';
import { PostgresExpiryIndex } from './expiryIndex.ts';
import { PostgresFigures } from './figures.ts';
import { PostgresInspection } from './inspection.ts';
import { tryPostgresLock } from './runLock.ts';
import * as sql from './statements.ts';
import { PostgresStoredPages } from './storedPages.ts';
import { quoteTable, type TableName } from './tableName.ts';

export interface PostgresOptions {
  connection: PostgresConnection;
  table: TableName;
  statementTimeoutMs: number;
  clock?: Clock | undefined;
}

/** The table of Microsoft.Extensions.Caching.Postgres. Connects when first asked something. */
export class PostgresCacheTable implements CacheTable {
  readonly engine = 'postgres';
  /** No lock escalation here; more rows than this make a batch no faster, only longer. */
  readonly maxBatchRows = 10_000;
  readonly displayName: string;
  readonly entries: PostgresExpiredEntries;
  readonly pages: PostgresStoredPages;
  readonly expiryIndex: PostgresExpiryIndex;
  readonly figures: PostgresFigures;
  readonly inspection: PostgresInspection;
  readonly #connections: PostgresConnections;

  constructor({ table, ...options }: PostgresOptions) {
    this.displayName = quoteTable(table);
    this.#connections = new PostgresConnections({ ...options, table: this.displayName });
    this.entries = new PostgresExpiredEntries(this.#connections, this.displayName);
    this.pages = new PostgresStoredPages(this.#connections, this.displayName);
    this.expiryIndex = new PostgresExpiryIndex(this.#connections, table);
    this.figures = new PostgresFigures(this.#connections, this.displayName);
    this.inspection = new PostgresInspection(this.#connections, this.displayName);
  }

  async clock(): Promise<Date> {
    const { rows } = await this.#connections.query<{ now: Date }>('read', sql.clock(this.displayName));
    return rows[0]?.now ?? this.#connections.clock.now();
  }

  tryLock(purpose: 'purge' | 'index'): Promise<RunLock | undefined> {
    return tryPostgresLock(this.#connections, `token-cache-maintenance|${purpose}|${this.displayName}`);
  }

  async load(): Promise<DatabaseLoad> {
    const { rows } = await this.#connections.query<{ waits: number }>('read', sql.lockWaits());
    return { readings: { lockWaits: rows[0]?.waits ?? 0 }, unknown: [] };
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}
