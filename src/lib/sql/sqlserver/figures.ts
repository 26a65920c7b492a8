import type { CatalogueFigures, SampledEntry, TableFigures } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { bigint, bytes, expiry, int, named, type Parameters } from './parameters.ts';
import * as statements from './statements.ts';

interface CatalogueRow {
  entries: string | number | null;
  dataBytes: string | number | null;
  indexBytes: string | number | null;
}

export class SqlServerFigures implements TableFigures {
  readonly #connections: SqlServerConnections;
  readonly #table: string;

  constructor(connections: SqlServerConnections, table: string) {
    this.#connections = connections;
    this.#table = table;
  }

  /** The statistics view where it may be read, the catalogue proper where not; nothing on a server that has neither. */
  async catalogue(): Promise<CatalogueFigures> {
    for (const [text, exact] of [
      [statements.catalogue(), true],
      [statements.catalogueWithoutStats(), false],
    ] as const) {
      try {
        const [row] = await this.#connections.query<CatalogueRow>('read', text, named(this.#table));
        if (row) return shape(row, exact);
      } catch (error) {
        if (!(error instanceof CacheTableError) || error.kind !== 'permanent') throw error;
        this.#connections.note(
          exact
            ? `Sizes come from the catalogue, and rows are counted, since the partition statistics cannot be read: ${error.message}`
            : `Sizes are unknown, since the catalogue cannot be read: ${error.message}`,
        );
      }
    }
    return { entries: undefined, entriesExact: false, dataBytes: undefined, indexBytes: undefined };
  }

  async countUpTo(
    bounds: { from?: Date; before?: Date },
    limit: number,
    timeLimitMs: number,
  ): Promise<number | undefined> {
    const parameters: Parameters = {
      limit: bigint(limit),
      ...(bounds.from && { from: expiry(bounds.from) }),
      ...(bounds.before && { before: expiry(bounds.before) }),
    };
    const text = statements.countUpTo(this.#table, bounds.from !== undefined, bounds.before !== undefined);
    const row = await this.#within<{ rows: string }>(timeLimitMs, text, parameters);
    return row && Number(row.rows);
  }

  async oldestExpiry(timeLimitMs: number): Promise<Date | undefined> {
    const row = await this.#within<{ oldest: Date | null }>(timeLimitMs, statements.oldestExpiry(this.#table), {});
    return row?.oldest ?? undefined;
  }

  async longestLivedUntil(timeLimitMs: number): Promise<Date | undefined> {
    const row = await this.#within<{ until: Date | null }>(timeLimitMs, statements.longestLivedUntil(this.#table), {});
    return row?.until ?? undefined;
  }

  async countByHeader(mark: Uint8Array, timeLimitMs: number) {
    const rows = await this.#rowsWithin<{ header: Buffer; entries: string }>(
      timeLimitMs,
      statements.countByHeader(this.#table),
      { mark: bytes(mark) },
    );
    return rows?.map(({ header, entries }) => ({ header, entries: Number(entries) }));
  }

  async sample(rows: number): Promise<SampledEntry[]> {
    const { entries } = await this.catalogue();
    const wanted = entries ? (100 * rows) / entries : 100;
    const share = statements.sampleShares.findLast((percent) => percent >= wanted) ?? 100;
    const sampled = await this.#sample(rows, share);
    // Of a small table, TABLESAMPLE may return nothing.
    return sampled.length > 0 || share === 100 ? sampled : this.#sample(rows, 100);
  }

  async #sample(rows: number, share: (typeof statements.sampleShares)[number]): Promise<SampledEntry[]> {
    const result = await this.#connections.query<{ size: string | number; expiresAt: Date; header: Buffer }>(
      'read',
      statements.sample(this.#table, share),
      { rows: int(rows) },
    );
    return result.map(({ size, expiresAt, header }) => ({ size: Number(size), expiresAt, header }));
  }

  async #within<R>(timeLimitMs: number, text: string, parameters: Parameters): Promise<R | undefined> {
    return (await this.#rowsWithin<R>(timeLimitMs, text, parameters))?.[0];
  }

  async #rowsWithin<R>(timeLimitMs: number, text: string, parameters: Parameters): Promise<R[] | undefined> {
    try {
      return await this.#connections.query<R>('read', text, parameters, { timeLimitMs });
    } catch (error) {
      if (error instanceof CacheTableError && error.kind === 'timeLimit') return undefined;
      throw error;
    }
  }
}

/** The driver gives a bigint as a string. No rows at all: a server that keeps no count. */
function shape({ entries, dataBytes, indexBytes }: CatalogueRow, exact: boolean): CatalogueFigures {
  const number = (value: string | number | null) => (value == null ? undefined : Number(value));
  return {
    entries: number(entries),
    entriesExact: exact,
    dataBytes: number(dataBytes),
    indexBytes: number(indexBytes),
  };
}
