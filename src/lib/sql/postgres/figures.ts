import { type EntrySample, never, type TableFigures } from '../cacheTable.ts';
import { unlessTooLong } from '../cacheTableError.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';
import type { TableTraits } from './tableTraits.ts';

/** A row's value lies in TOAST, so a heap page holds about this many rows; small values lie in the page, with fewer. */
export const rowsPerPage = 40;

type SampleRow = Omit<EntrySample, 'headers'> & { headers: { header: string; entries: number }[] };

/** The driver gives ±infinity as a number. */
type Expiry = Date | number | null;
const finite = (expiry: Expiry | undefined) => (expiry instanceof Date ? expiry : undefined);

/** The smallest expiry, as the port has it. */
const firstOf = (oldest: Expiry | undefined) =>
  oldest === Number.POSITIVE_INFINITY ? new Date(never) : oldest === null ? null : finite(oldest);

/** In UTC, whatever the time zone of this process: the driver would write the local time, which a column without a zone takes as it is. */
export const instantText = (at: Date) => at.toISOString();

export function postgresFigures(connections: PostgresConnections, traits: () => Promise<TableTraits>): TableFigures {
  const { table } = connections;
  const within = <R extends object>(timeLimitMs: number, text: string, values: unknown[] = []) =>
    unlessTooLong(connections.query<R>('read', text, values, timeLimitMs));
  const sampled = <R extends object>(rows: number, text: string, ...values: unknown[]) =>
    connections.query<R>('read', text, [table, Math.ceil(rows / rowsPerPage), 4 * rows, ...values]);

  return {
    async catalogue() {
      const [row] = await connections.query<{ entries: string | null; data_bytes: string; index_bytes: string }>(
        'read',
        sql.catalogue(),
        [table],
      );
      return {
        entries: row?.entries == null ? undefined : Number(row.entries),
        entriesExact: false,
        dataBytes: row && Number(row.data_bytes),
        indexBytes: row && Number(row.index_bytes),
      };
    },

    async countUpTo({ from, before }, limit, timeLimitMs) {
      const rows = await (from || before
        ? within<{ rows: string }>(timeLimitMs, sql.countUpTo(table), [
            limit,
            from ? instantText(from) : null,
            before ? instantText(before) : null,
          ])
        : within<{ rows: string }>(timeLimitMs, sql.countAllUpTo(table), [limit]));
      return rows?.[0] && Number(rows[0].rows);
    },

    async countUndated(limit, timeLimitMs) {
      if (!(await traits()).expiryNullable) return 0;
      const rows = await within<{ rows: string }>(timeLimitMs, sql.countUndated(table), [limit]);
      return rows?.[0] && Number(rows[0].rows);
    },

    oldestExpiry: async (timeLimitMs) =>
      firstOf((await within<{ oldest: Expiry }>(timeLimitMs, sql.oldestExpiry(table)))?.[0]?.oldest),

    async backlog(before, limit) {
      const values = [instantText(before), limit];
      const [row] = await connections.query<{ oldest: Expiry; rows: number }>('read', sql.backlog(table), values);
      return { oldest: firstOf(row?.oldest) ?? null, rows: row?.rows ?? 0 };
    },

    longestLivedUntil: async (timeLimitMs) =>
      finite((await within<{ until: Expiry }>(timeLimitMs, sql.longestLivedUntil(table)))?.[0]?.until),

    async countByHeader(mark, timeLimitMs) {
      const text = sql.countByHeader(table);
      const rows = await within<{ header: Buffer; entries: string }>(timeLimitMs, text, [Buffer.from(mark)]);
      return rows?.map(({ header, entries }) => ({ header, entries: Number(entries) }));
    },

    async sample(rows, headers = 0) {
      const [row] = await sampled<SampleRow>(rows, sql.sample(table), headers);
      const { sizes = [], expiries = [], headers: named = [] } = row ?? {};
      return {
        sizes,
        expiries,
        headers: named.map(({ header, entries }) => ({ header: Buffer.from(header, 'hex'), entries })),
      };
    },

    sampleHeaders: async (rows) =>
      (await sampled<{ header: Buffer }>(rows, sql.sampleHeaders(table))).map(({ header }) => header),
  };
}
