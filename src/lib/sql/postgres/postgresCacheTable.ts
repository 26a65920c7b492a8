import type { CacheTable } from '../cacheTable.ts';
import type { TableName } from '../names.ts';
import { type ConnectionOptions, PostgresConnections } from './connections.ts';
import { postgresEntries } from './entries.ts';
import { postgresExpiryIndex } from './expiryIndex.ts';
import { postgresFigures } from './figures.ts';
import { postgresInspection } from './inspection.ts';
import { tryPostgresLock } from './runLock.ts';
import * as sql from './statements.ts';
import { quoteTable } from './tableName.ts';

export interface PostgresOptions extends Omit<ConnectionOptions, 'table'> {
  table: TableName;
}

/** The table of Microsoft.Extensions.Caching.Postgres. Connects when first asked something. */
export function postgresCacheTable({ table: name, ...options }: PostgresOptions): CacheTable {
  const table = quoteTable(name);
  const connections = new PostgresConnections({ ...options, table });
  const entries = postgresEntries(connections);
  const lockOf = (purpose: string) => `token-cache-maintenance|${purpose}|${table}`;
  return {
    engine: 'postgres',
    displayName: table,
    // No lock escalation here; more rows than this make a batch no faster, only longer.
    maxBatchRows: 10_000,
    entries,
    pages: entries,
    expiryIndex: postgresExpiryIndex(connections, name),
    figures: postgresFigures(connections),
    inspection: postgresInspection(connections),

    async clock() {
      const { rows } = await connections.query<{ now: Date }>('read', sql.clock(table));
      return rows[0]?.now ?? connections.clock.now();
    },

    tryLock: (purpose) => tryPostgresLock(connections, lockOf(purpose)),

    async isLocked(purpose) {
      const { rows } = await connections.query<{ locked: boolean }>('read', sql.isLocked(), [lockOf(purpose)]);
      return rows[0]?.locked === true;
    },

    async load() {
      const { rows } = await connections.query<{ waits: number }>('read', sql.lockWaits());
      return { readings: { lockWaits: rows[0]?.waits ?? 0 }, unknown: [] };
    },

    close: () => connections.close(),
  };
}
