import { keyIdOf } from '../../payloadHeader.ts';
import { never, type TableFigures } from '../cacheTable.ts';
import { CacheTableError, unlessTooLong } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { bigint, bytes, expiry, int, named, type Parameters } from './parameters.ts';
import * as statements from './statements.ts';
import type { TableTraits } from './tableTraits.ts';

/** The driver gives a bigint as a string. */
type Bigint = string | number | null;
const number = (value: Bigint | undefined) => (value == null ? undefined : Number(value));

const catalogues = [
  {
    text: statements.catalogue(),
    exact: true,
    without: 'Sizes come from the catalogue, and rows are counted, since the partition statistics cannot be read',
  },
  {
    text: statements.catalogueWithoutStats(),
    exact: false,
    without: 'Sizes are unknown, since the catalogue cannot be read',
  },
];

export function sqlServerFigures(
  connections: SqlServerConnections,
  traits: () => Promise<TableTraits | undefined>,
): TableFigures {
  const { table } = connections;
  const within = <R>(timeLimitMs: number, text: string, parameters: Parameters = {}) =>
    unlessTooLong(connections.query<R>('read', text, parameters, { timeLimitMs }));

  /** The statistics view where it may be read, the catalogue proper where not; nothing where both are denied. */
  const catalogue = async () => {
    for (const { text, exact, without } of catalogues) {
      try {
        const [row] = await connections.query<Record<'entries' | 'dataBytes' | 'indexBytes', Bigint>>(
          'read',
          text,
          named(table),
        );
        const { entries, dataBytes, indexBytes } = row ?? {};
        return {
          entries: number(entries),
          entriesExact: exact,
          dataBytes: number(dataBytes),
          indexBytes: number(indexBytes),
        };
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.kind !== 'permanent') throw error;
        connections.note(`${without}: ${error.message}`);
      }
    }
    return { entries: undefined, entriesExact: false, dataBytes: undefined, indexBytes: undefined };
  };

  const sampled = (rows: number) =>
    randomRows(catalogue, rows, (share) =>
      connections.query<{ size: Bigint; expiresAt: Date | null; header: Buffer | null }>(
        'read',
        statements.sample(table, share),
        {
          rows: int(rows),
        },
      ),
    );

  return {
    catalogue,

    async countUpTo({ from, before }, limit, timeLimitMs) {
      const text = statements.countUpTo(table, from !== undefined, before !== undefined);
      const bounds = { ...(from && { from: expiry(from) }), ...(before && { before: expiry(before) }) };
      const rows = await within<{ rows: string }>(timeLimitMs, text, { limit: bigint(limit), ...bounds });
      return number(rows?.[0]?.rows);
    },

    async countUndated(limit, timeLimitMs) {
      if (!(await traits())?.expiryNullable) return 0;
      const parameters = { limit: int(limit) };
      return (await within<{ rows: number }>(timeLimitMs, statements.countUndated(table), parameters))?.[0]?.rows;
    },

    async backlog(before, limit) {
      const parameters = { before: expiry(before), limit: int(limit) };
      const text = statements.backlog(table);
      const [row] = await connections.query<{ oldest: Date | null; rows: number }>('read', text, parameters);
      return { oldest: row?.oldest ?? null, rows: row?.rows ?? 0 };
    },

    oldestExpiry: async (timeLimitMs) =>
      (await within<{ oldest: Date | null }>(timeLimitMs, statements.oldestExpiry(table)))?.[0]?.oldest,

    longestLivedUntil: async (timeLimitMs) =>
      (await within<{ until: Date | null }>(timeLimitMs, statements.longestLivedUntil(table)))?.[0]?.until ?? undefined,

    async countByHeader(mark, timeLimitMs) {
      const text = statements.countByHeader(table);
      const rows = await within<{ header: Buffer; entries: string }>(timeLimitMs, text, { mark: bytes(mark) });
      return rows?.map(({ header, entries }) => ({ header, entries: Number(entries) }));
    },

    async sample(rows) {
      const entries = await sampled(rows);
      return {
        sizes: entries.map(({ size }) => Number(size)),
        expiries: entries.map(({ expiresAt }) => expiresAt?.getTime() ?? never),
        headers: [...Map.groupBy(entries, ({ header }) => header?.toString('hex') ?? '')].flatMap(
          ([, [first, ...more]]) =>
            first?.header && keyIdOf(first.header) ? [{ header: first.header, entries: 1 + more.length }] : [],
        ),
      };
    },

    sampleHeaders: async (rows) => (await sampled(rows)).map(({ header }) => header ?? new Uint8Array()),
  };
}

type Share = (typeof statements.sampleShares)[number];

/** Reads by the share of the table that holds about `rows` rows; the whole of a small one, of which TABLESAMPLE may return nothing. */
export async function randomRows<R>(
  catalogue: TableFigures['catalogue'],
  rows: number,
  read: (share: Share) => Promise<R[]>,
): Promise<R[]> {
  const { entries } = await catalogue();
  const wanted = entries ? (100 * rows) / entries : 100;
  const share = statements.sampleShares.findLast((percent) => percent >= wanted) ?? 100;
  const sampled = await read(share);
  return sampled.length > 0 || share === 100 ? sampled : read(100);
}
