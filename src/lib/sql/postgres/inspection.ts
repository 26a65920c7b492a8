import { CacheTableError } from '../cacheTableError.ts';
import {
  contentBytes,
  type SchemaColumn,
  type TableInspection,
  type Upkeep,
  type VacuumHolder,
} from '../inspection.ts';
import type { PostgresConnections } from './connections.ts';
import { rowsPerPage } from './figures.ts';
import * as sql from './inspectionStatements.ts';

interface EntryRow {
  id: string;
  size: number | null;
  expires_at: Date | number | null;
  sliding_seconds: string | null;
  content: Buffer | null;
}

/** All rows of a small table are looked over: about 10,000 at most, since a row has 130 bytes at least. */
const small = { rows: 9_000, pages: 150, pagesAtMost: 2_000 };
/** A page is what TABLESAMPLE SYSTEM draws. */
const drawnPages = { least: 10, most: 500 };

export function postgresInspection(connections: PostgresConnections): TableInspection {
  const { table } = connections;
  const query = <R extends object>(text: string, ...values: unknown[]) => connections.query<R>('read', text, values);
  const keys = async (text: string, ...values: unknown[]) =>
    (await query<{ id: string }>(text, ...values)).map(({ id }) => id);
  const entries = async (text: string, ...values: unknown[]) =>
    (await query<EntryRow>(text, ...values)).map((row) => ({
      key: row.id,
      size: row.size ?? 0,
      expiresAt: dateOf(row.expires_at),
      slidingSeconds: row.sliding_seconds === null ? null : Number(row.sliding_seconds),
      content: row.content ?? new Uint8Array(),
    }));

  return {
    async sample(rows) {
      const [{ pages, density } = { pages: 0, density: 0 }] = await query<{ pages: number; density: number }>(
        sql.pages(),
        table,
      );
      const fewRows = density > 0 && pages * density <= small.rows && pages <= small.pagesAtMost;
      if (pages <= small.pages || fewRows) return entries(sql.sampleRows(table), rows, contentBytes);
      const wanted = Math.ceil(rows / Math.max(1, density || rowsPerPage));
      const drawn = Math.min(drawnPages.most, Math.max(drawnPages.least, wanted));
      const result = await entries(sql.sampleEntries(table), table, drawn, 2 * rows, contentBytes);
      return result.length >= rowsPerPage ? result : entries(sql.sampleKeys(table), rows, contentBytes);
    },

    read: async (key) => (await query(sql.readEntry(table), key)).length > 0,

    keysWithPrefix: (prefix, limit) => keys(sql.keysWithPrefix(table), `${prefix.replace(/[\\%_]/g, '\\$&')}%`, limit),

    latestKeys: (limit) => keys(sql.latestKeys(table), limit),

    async state(key) {
      const [row] = await query<{ header: Buffer | null; digest: string | null }>(sql.entryState(table), key);
      return row && { key, header: row.header ?? new Uint8Array(), digest: row.digest ?? '' };
    },

    async schema() {
      const columns = await query<Required<SchemaColumn> & { deterministic: boolean }>(sql.columns(), table);
      const indexes = await query<{ name: string; primary: boolean; columns: string[] }>(sql.indexColumns(), table);
      const extras = await query<{ kind: string; name: string }>(sql.extras(), table);
      const [facts] = await query<{ version: string; unlogged: boolean }>(sql.tableFacts(), table);
      return {
        columns: columns.map(({ deterministic, ...column }) => column),
        indexes,
        extras,
        // Only a nondeterministic collation, or the type citext, takes keys for equal that differ in case.
        caseSensitive: columns.every(
          ({ name, deterministic, type }) => name !== 'id' || (deterministic && type !== 'citext'),
        ),
        serverVersion: facts?.version ?? 'unknown',
        compatibilityLevel: null,
        sizeLimitBytes: undefined,
        databaseBytes: undefined,
        unlogged: facts?.unlogged ?? false,
      };
    },

    async deletePlan() {
      try {
        const [row] = await query<{ 'QUERY PLAN': unknown }>(sql.deletePlan(table));
        const scans = /Seq Scan/.test(JSON.stringify(row?.['QUERY PLAN'] ?? ''));
        return { kind: scans ? 'scan' : 'index', basis: 'EXPLAIN' };
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.code !== 'permission_missing') throw error;
        return { kind: 'unknown', reason: `it may not be planned without the right to delete: ${error.advice}` };
      }
    },

    async upkeep() {
      const [row] = await query<Omit<Upkeep, 'autovacuum' | 'holders'> & { server: boolean; own: boolean }>(
        sql.upkeep(),
        table,
      );
      if (!row) return undefined;
      const { server, own, ...upkeep } = row;
      const autovacuum = !server ? 'off on the server' : own ? 'on' : 'off for the table';
      return { ...upkeep, autovacuum, holders: await query<VacuumHolder>(sql.vacuumHolders()) };
    },

    database: async () => (await query<{ name: string }>(sql.database()))[0]?.name ?? 'unknown',
  };
}

/** The driver gives ±infinity as a number, and a year that JavaScript has not as an invalid date. */
function dateOf(value: Date | number | null): Date | null {
  if (value === null) return null;
  const date = new Date(value === -Infinity ? earliestMs : value);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** The first moment that a `Date` can hold (ECMAScript, "Time Values and Time Range"). */
const earliestMs = -8.64e15;
