import {
  type BatchOutcome,
  type Cutoff,
  chained,
  coversLive,
  type ExpiredEntries,
  type Instant,
  type KeptRows,
  type StoredPages,
} from '../cacheTable.ts';
import { CacheTableError, unlessRefused } from '../cacheTableError.ts';
import { keptQuietly, type Narrowing } from '../narrowing.ts';
import type { PostgresConnections } from './connections.ts';
import { instantText } from './figures.ts';
import * as sql from './statements.ts';
import { quoteTable } from './tableName.ts';
import type { TableTraits } from './tableTraits.ts';

/** More rows than a range of keys or pages has. */
const rowsOfKeyRange = 10_000;

/** Reads and deletes expired entries, by expiry, by key or by the pages that they lie in. */
export function postgresEntries(
  connections: PostgresConnections,
  traits: () => Promise<TableTraits>,
  narrowing: Narrowing,
): ExpiredEntries & StoredPages {
  const { table } = connections;
  // On the connection of the batches, which is pinned to the index.
  const query = <R extends object>(text: string, values: unknown[]) => connections.query<R>('delete', text, values);
  const look = async <R extends object>(text: string, values: unknown[]) => (await query<R>(text, values))[0];
  const run = (text: string, values: unknown[]) => connections.change('delete', text, values);

  const until = (cutoff: Cutoff) => (coversLive(cutoff) ? cutoff : instantText(cutoff));

  /** What of a range is left though nobody holds it locked and no error was given, where something is known to keep rows. */
  const keptOf = async (text: string, all: unknown[]): Promise<{ kept?: KeptRows[] }> => {
    const { keepers } = await traits();
    if (keepers.length === 0) return {};
    const left = (await look<{ rows: number }>(text, all))?.rows ?? 0;
    return left > 0 ? { kept: [keptQuietly(keepers.join(', '), left)] } : {};
  };

  /**
   * A batch is tried whole first, the fastest form; where a lock is in its way, it passes over the locked rows; where a row
   * cannot be deleted, it is narrowed down to that.
   * @param expected rows of the range, where they are known
   */
  const remove = async (
    where: string,
    cutoff: Cutoff,
    values: unknown[],
    limit: number,
    expected?: number,
  ): Promise<BatchOutcome> => {
    const live = coversLive(cutoff);
    const all = [until(cutoff), ...values];
    try {
      const deleted = await run(sql.deleteRows(table, where, live), all);
      if (deleted === expected) return { deleted, hitLocks: false, skipped: 0 };
      const kept = await keptOf(sql.countRows(table, where, live), all);
      return { deleted, hitLocks: false, skipped: 0, ...kept, whole: true };
    } catch (error) {
      const kind = error instanceof CacheTableError ? error.kind : undefined;
      if (kind === 'lock' && (await traits()).mayLock) return removeUnlocked(where, cutoff, all);
      if (kind !== 'rows' && kind !== 'lock') throw error;
      return removeAround(where, cutoff, all, limit);
    }
  };

  /** Passes over the rows that others hold locked. */
  const removeUnlocked = async (
    where: string,
    cutoff: Cutoff,
    all: unknown[],
    limit?: number,
  ): Promise<BatchOutcome> => {
    const live = coversLive(cutoff);
    const { divided, keepers, ruled } = await traits();
    const values = limit === undefined ? all : [...all, limit];
    const parameter = limit === undefined ? undefined : `$${values.length}`;
    let deleted: number;
    let kept = 0;
    // A rule takes no DELETE within a statement.
    if (!ruled && (divided || keepers.length > 0)) {
      const text = sql.deleteUnlockedRowsOfParts(table, where, live, parameter);
      const { unlocked, gone } = (await look<{ unlocked: number; gone: number }>(text, values)) ?? {
        unlocked: 0,
        gone: 0,
      };
      deleted = gone;
      kept = keepers.length > 0 ? unlocked - gone : 0;
    } else deleted = await run(sql.deleteUnlockedRows(table, where, live, parameter), values);
    // Where a range has more rows than the limit, the next batch sees the rest.
    if (limit !== undefined && deleted > 0) return { deleted, hitLocks: false };
    const left = (await look<{ rows: number }>(sql.countRows(table, where, live), all))?.rows ?? 0;
    return {
      deleted,
      hitLocks: true,
      skipped: Math.max(0, left - kept),
      ...(kept > 0 && { kept: [keptQuietly(keepers.join(', '), kept)] }),
    };
  };

  /** Keys to which rows of another table refer by a foreign key; undefined where there is none, or that may not be read. */
  const referredTo = async (keys: readonly string[], { engineCode, constraint }: CacheTableError) => {
    if (engineCode !== '23503' || !constraint) return undefined;
    const referrer = quoteTable(constraint);
    const asked = look<{ columns: string[]; referred: string[] }>(sql.foreignKey(), [constraint.name, referrer]);
    const key = await unlessRefused(asked);
    if (!key) return undefined;
    const text = sql.referredKeys(table, referrer, key);
    return (await unlessRefused(connections.query<{ id: string }>('read', text, [keys])))?.map(({ id }) => id);
  };

  /** Key by key, for a login that may lock no row, and where rows cannot be deleted. */
  const removeAround = async (where: string, cutoff: Cutoff, all: unknown[], limit: number): Promise<BatchOutcome> => {
    const live = coversLive(cutoff);
    const { keepers } = await traits();
    const range = {
      keys: async (after: string | undefined, most: number) => {
        const values = [...all, most, ...optional(after)];
        const text = sql.deletableKeys(table, where, live, all.length + 1, after !== undefined);
        return (await query<{ id: string }>(text, values)).map(({ id }) => id);
      },
      remove: (keys: readonly string[]) => run(sql.deleteKeys(table, where, live, all.length + 1), [...all, keys]),
      left: async (keys: readonly string[]) =>
        (await look<{ rows: number }>(sql.countKeys(table, where, live, all.length + 1), [...all, keys]))?.rows ?? 0,
      probe: () => run(sql.probeTableLock(table), []),
      heldBy: referredTo,
      keeper: keepers.length > 0 ? keepers.join(', ') : undefined,
    };
    return narrowing.removeAround(range, limit);
  };

  return {
    async latestExpiry() {
      const [row] = await connections.query<LatestRow>('read', sql.latestExpiry(table));
      if (row?.latest) return { instant: row.latest, at: row.at instanceof Date ? row.at : null };
      // Entries without an expiry alone.
      return row?.undated ? { instant: '-infinity' as Instant, at: new Date(0) } : undefined;
    },

    hasUndated: async () =>
      (await traits()).expiryNullable &&
      (await connections.query<{ rows: string }>('read', sql.countUndated(table), [1]))[0]?.rows !== '0',

    async nextRanges(after, cutoff, limit, count) {
      const text = sql.nextRanges(table, after !== undefined, coversLive(cutoff));
      const values = [until(cutoff), limit, count, ...optional(after)];
      const ranges = await query<RangeRow>(text, values);
      return chained(
        after,
        ranges.map(({ rows, up_to: upTo, tied }) => ({ upTo, rows, tied })),
      );
    },

    async deleteRange({ after, upTo, rows, tied }, cutoff, limit) {
      const where = sql.inRange('expiresattime', after !== undefined);
      const values = [upTo, ...optional(after)];
      if (!tied) return remove(where, cutoff, values, limit, rows);
      // More rows than the limit lie in it, and a plain DELETE has no limit.
      const all = [until(cutoff), ...values];
      if (!(await traits()).mayLock) return removeAround(where, cutoff, all, limit);
      try {
        return await removeUnlocked(where, cutoff, all, limit);
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.kind !== 'rows') throw error;
        return removeAround(where, cutoff, all, limit);
      }
    },

    async nextKeyRange(after, limit) {
      const row = await look<{ up_to: string | null }>(sql.nextKeyRange(table, after !== undefined), [
        limit,
        ...optional(after),
      ]);
      return row?.up_to == null ? undefined : { after, upTo: row.up_to };
    },

    deleteKeyRange: ({ after, upTo }, cutoff) =>
      remove(sql.inRange('id', after !== undefined), cutoff, [upTo, ...optional(after)], rowsOfKeyRange),

    async nextForms(after, limit) {
      const text = sql.nextForms(table, after !== undefined);
      const rows = await query<{ key: string; start: Buffer; finish: Buffer }>(text, [limit, ...optional(after)]);
      return rows.map(({ key, start, finish }) => ({ key, start, end: finish }));
    },

    async deleteForms(entries) {
      if (entries.length === 0) return { deleted: [], hitLocks: false };
      const columns = [
        entries.map(({ key }) => key),
        entries.map(({ start }) => Buffer.from(start)),
        entries.map(({ end }) => Buffer.from(end)),
      ];
      const rows = await query<{ key: string }>(sql.deleteForms(table), columns);
      return { deleted: rows.map(({ key }) => key), hitLocks: rows.length < entries.length };
    },

    deleteFormsStatement: () => sql.deleteForms(table).trim(),

    deleteStatement: (way, withLive = false) => {
      const where = way === 'pages' ? sql.inPages : sql.inRange(way === 'expiry' ? 'expiresattime' : 'id', true);
      return sql.deleteRows(table, where, withLive).trim();
    },

    async count() {
      // An address is one of each part: such a table is taken along the index.
      if ((await traits()).divided) return 0;
      const [row] = await connections.query<{ pages: number | null }>('read', sql.pageCount(), [table]);
      return row?.pages ?? 0;
    },

    // By row address (ctid): page, and place in it.
    deletePages: (from, to, cutoff) => remove(sql.inPages, cutoff, [`(${from},0)`, `(${to},0)`], rowsOfKeyRange),
  };
}

interface LatestRow {
  undated: boolean;
  latest: Instant | null;
  /** The driver gives infinity as a number. */
  at: Date | number | null;
}

interface RangeRow {
  rows: number;
  up_to: Instant;
  tied: boolean;
}

function optional(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}
