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
import { type Parameters, type SqlServerConnections, sql } from './connections.ts';
import { fromInstant, toInstant } from './instant.ts';
import { deleteAroundLocks, type KeyedRows } from './lockedRows.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';

const expiry = (value: Date) => ({ type: sql.DateTimeOffset(7), value });
const cutoffValue = (cutoff: Cutoff) => expiry(coversLive(cutoff) ? fromInstant(cutoff) : cutoff);
const key = (value: string) => ({ type: sql.NVarChar(449), value });
const int = (value: number) => ({ type: sql.Int, value });

/** More keys than a range of them has: the batch limit of the adapter is below. */
const keysOfRange = 5_000;

/**
 * Reads and deletes expired entries. READPAST passes over locked rows, and only a table lock makes a batch fail; where the
 * server has no such thing, a batch that met a lock is done again around the locked rows.
 */
export class SqlServerExpiredEntries implements ExpiredEntries {
  readonly #connections: SqlServerConnections;
  readonly #table: string;
  readonly #traits: () => Promise<ServerTraits>;

  constructor(connections: SqlServerConnections, table: string, traits: () => Promise<ServerTraits>) {
    this.#connections = connections;
    this.#table = table;
    this.#traits = traits;
  }

  async latestExpiry(): Promise<LatestExpiry | undefined> {
    const [row] = await this.#connections.query<{ latest: Date | null }>(
      'read',
      statements.latestExpiry(this.#table),
      {},
    );
    if (!row?.latest) return undefined;
    return { instant: toInstant(row.latest), at: row.latest.getUTCFullYear() < 9999 ? row.latest : null };
  }

  async nextRange(after: Instant | undefined, cutoff: Cutoff, limit: number): Promise<ExpiryRange | undefined> {
    const [row] = await this.#connections.query<{ rows: number; upTo: Date | null; lastSeen: Date | null }>(
      'delete',
      statements.nextRange(this.#table, after !== undefined, coversLive(cutoff)),
      { cutoff: cutoffValue(cutoff), limit: int(limit), ...bound(after) },
    );
    if (!row?.upTo || !row.lastSeen) return undefined;
    const upTo = toInstant(row.upTo);
    return { after, upTo, rows: Math.min(row.rows, limit), tied: row.rows > limit && toInstant(row.lastSeen) === upTo };
  }

  async deleteRange(range: ExpiryRange, cutoff: Cutoff, limit: number): Promise<BatchOutcome> {
    const hasAfter = range.after !== undefined;
    const bounds = { cutoff: cutoffValue(cutoff), upTo: expiry(fromInstant(range.upTo)), ...bound(range.after) };
    try {
      const [row] = await this.#connections.query<{ deleted: number }>(
        'delete',
        statements.deleteRange(this.#table, hasAfter, coversLive(cutoff)),
        { ...bounds, limit: int(limit) },
      );
      return { deleted: row?.deleted ?? 0, hitLocks: false };
    } catch (error) {
      if (!(await this.#mustGoAround(error))) throw error;
      return deleteAroundLocks(this.#keyedRows(bounds, hasAfter, coversLive(cutoff)), limit);
    }
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

  async deleteKeyRange(range: KeyRange, cutoff: Cutoff): Promise<BatchOutcome> {
    const { after, upTo } = range;
    try {
      const [row] = await this.#connections.query<{ deleted: number; skipped: number }>(
        'delete',
        statements.deleteKeyRange(this.#table, after !== undefined, coversLive(cutoff)),
        { cutoff: cutoffValue(cutoff), upTo: key(upTo), ...(after !== undefined && { after: key(after) }) },
      );
      return { deleted: row?.deleted ?? 0, hitLocks: false, skipped: row?.skipped ?? 0 };
    } catch (error) {
      if (!(await this.#mustGoAround(error))) throw error;
      const bounds = { cutoff: cutoffValue(cutoff), upTo: cutoffValue(cutoff) };
      return deleteAroundLocks(this.#keyedRows(bounds, false, coversLive(cutoff), range), keysOfRange);
    }
  }

  deleteStatement(way: PurgeWay, withLive = false): string {
    return (way === 'key' ? statements.deleteKeyRange : statements.deleteRange)(this.#table, true, withLive).trim();
  }

  /** Whether the failure may come from a locked row that the server could not pass over. */
  async #mustGoAround(error: unknown): Promise<boolean> {
    if (!(error instanceof CacheTableError) || error.kind !== 'lock') return false;
    return !this.#connections.usesHints || !(await this.#traits()).skipsLockedRows;
  }

  /** `bounds` are those of the expiry. */
  #keyedRows(bounds: Parameters, hasAfter: boolean, withLive: boolean, within?: KeyRange): KeyedRows {
    const query = <R>(text: string, parameters: Parameters) => this.#connections.query<R>('delete', text, parameters);
    return {
      keys: async (afterKey = within?.after, limit) => {
        const rows = await query<{ id: string }>(
          statements.deletableKeys(this.#table, hasAfter, afterKey !== undefined, within !== undefined, withLive),
          {
            ...bounds,
            limit: int(limit),
            ...(afterKey !== undefined && { afterKey: key(afterKey) }),
            ...(within && { upToKey: key(within.upTo) }),
          },
        );
        return rows.map(({ id }) => id);
      },
      remove: async (firstKey, lastKey, limit) => {
        const [row] = await query<{ deleted: number }>(statements.deleteKeys(this.#table, hasAfter, withLive), {
          ...bounds,
          limit: int(limit),
          firstKey: key(firstKey),
          lastKey: key(lastKey),
        });
        return row?.deleted ?? 0;
      },
      probeTable: async () => void (await query(statements.probeTableLock(this.#table), {})),
    };
  }
}

function bound(after: Instant | undefined): Parameters {
  return after === undefined ? {} : { after: expiry(fromInstant(after)) };
}
