import {
  type BatchOutcome,
  type Cutoff,
  coversLive,
  type ExpiredEntries,
  type Instant,
  type StoredPages,
} from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

/** Reads and deletes expired entries, by expiry, by key or by the pages that they lie in. */
export function postgresEntries(connections: PostgresConnections): ExpiredEntries & StoredPages {
  const { table } = connections;
  // On the connection of the batches, which is pinned to the index.
  const look = async <R extends object>(text: string, values: unknown[]) =>
    (await connections.query<R>('delete', text, values)).rows[0];
  const run = async (text: string, values: unknown[]) =>
    (await connections.query('delete', text, values)).rowCount ?? 0;

  /** A batch is tried whole first, the fastest form; where a lock is in its way, it passes over the locked rows. */
  const remove = async (where: string, cutoff: Cutoff, values: unknown[]): Promise<BatchOutcome> => {
    const all = [cutoff, ...values];
    try {
      return { deleted: await run(sql.deleteRows(table, where, coversLive(cutoff)), all), hitLocks: false };
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      return { deleted: await run(sql.deleteUnlockedRows(table, where, coversLive(cutoff)), all), hitLocks: true };
    }
  };

  return {
    async latestExpiry() {
      const { rows } = await connections.query<LatestRow>('read', sql.latestExpiry(table));
      const [row] = rows;
      return row?.latest ? { instant: row.latest, at: row.at instanceof Date ? row.at : null } : undefined;
    },

    async nextRange(after, cutoff, limit) {
      const text = sql.nextRange(table, after !== undefined, coversLive(cutoff));
      const range = await look<RangeRow>(text, [cutoff, limit, ...optional(after)]);
      return range?.up_to ? { after, upTo: range.up_to, rows: range.rows, tied: range.tied === true } : undefined;
    },

    async deleteRange({ after, upTo, tied }, cutoff, limit) {
      const where = sql.inRange('expiresattime', after !== undefined);
      const values = [upTo, ...optional(after)];
      if (!tied) return remove(where, cutoff, values);
      // More rows than the limit lie in it, and a plain DELETE has no limit.
      const text = sql.deleteUnlockedRows(table, where, coversLive(cutoff), `$${values.length + 2}`);
      return { deleted: await run(text, [cutoff, ...values, limit]), hitLocks: false };
    },

    async nextKeyRange(after, limit) {
      const row = await look<{ up_to: string | null }>(sql.nextKeyRange(table, after !== undefined), [
        limit,
        ...optional(after),
      ]);
      return row?.up_to == null ? undefined : { after, upTo: row.up_to };
    },

    async deleteKeyRange({ after, upTo }, cutoff) {
      const where = sql.inRange('id', after !== undefined);
      const values = [upTo, ...optional(after)];
      const outcome = await remove(where, cutoff, values);
      if (!outcome.hitLocks) return { ...outcome, skipped: 0 };
      const left = await look<{ rows: number }>(sql.countRows(table, where, coversLive(cutoff)), [cutoff, ...values]);
      return { ...outcome, skipped: left?.rows ?? 0 };
    },

    deleteStatement: (way, withLive = false) => {
      const where = way === 'pages' ? sql.inPages : sql.inRange(way === 'expiry' ? 'expiresattime' : 'id', true);
      return sql.deleteRows(table, where, withLive).trim();
    },

    async count() {
      const { rows } = await connections.query<{ pages: number | null }>('read', sql.pageCount(), [table]);
      return rows[0]?.pages ?? 0;
    },

    // By row address (ctid): page, and place in it.
    deletePages: (from, to, cutoff) => remove(sql.inPages, cutoff, [`(${from},0)`, `(${to},0)`]),
  };
}

interface LatestRow {
  latest: Instant | null;
  /** The driver gives infinity as a number. */
  at: Date | number | null;
}

interface RangeRow {
  rows: number;
  up_to: Instant | null;
  tied: boolean | null;
}

function optional(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

/** Expected, and not an error: an app holds a row of the range. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof CacheTableError && error.engineCode === '55P03';
}
