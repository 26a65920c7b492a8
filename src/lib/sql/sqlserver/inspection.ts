import { CacheTableError } from '../cacheTableError.ts';
import {
  contentBytes,
  type DeletePlan,
  type EntryState,
  type InspectedEntry,
  type SchemaFacts,
  type SchemaIndex,
  type TableInspection,
} from '../inspection.ts';
import { appDelete } from './appPurge.ts';
import type { SqlServerConnections } from './connections.ts';
import type { SqlServerFigures } from './figures.ts';
import * as statements from './inspectionStatements.ts';
import { int, key, named, type Parameters, text } from './parameters.ts';
import type { ServerTraits } from './serverTraits.ts';
import { sampleShares } from './statements.ts';
import { quoteTable, type TableName } from './tableName.ts';

interface EntryRow {
  id: string;
  size: string | number;
  expiresAt: Date;
  slidingSeconds: string | number | null;
  absoluteExpiration: Date | null;
  content: Buffer;
}

/** Types whose length belongs to the name; of `nvarchar` two bytes are a character. */
const lengths: Record<string, number> = { nvarchar: 2, nchar: 2, varchar: 1, char: 1, varbinary: 1, binary: 1 };

export class SqlServerInspection implements TableInspection {
  readonly #connections: SqlServerConnections;
  readonly #name: TableName;
  readonly #table: string;
  readonly #figures: SqlServerFigures;
  readonly #traits: () => Promise<ServerTraits>;

  constructor(
    connections: SqlServerConnections,
    name: TableName,
    figures: SqlServerFigures,
    traits: () => Promise<ServerTraits>,
  ) {
    this.#connections = connections;
    this.#name = name;
    this.#table = quoteTable(name);
    this.#figures = figures;
    this.#traits = traits;
  }

  async sample(rows: number): Promise<InspectedEntry[]> {
    const { entries } = await this.#figures.catalogue();
    const wanted = entries ? (100 * rows) / entries : 100;
    const share = sampleShares.findLast((percent) => percent >= wanted) ?? 100;
    const sampled = await this.#sample(rows, share);
    // Of a small table, TABLESAMPLE may return nothing.
    return sampled.length > 0 || share === 100 ? sampled : this.#sample(rows, 100);
  }

  async read(id: string): Promise<boolean> {
    return (await this.#query<object>(statements.readValue(this.#table), { id: key(id) })).length > 0;
  }

  async keysWithPrefix(prefix: string, limit: number): Promise<string[]> {
    const parameters = { prefix: key(`${prefix.replace(/[[%_]/g, '[$&]')}%`), limit: int(limit) };
    return (await this.#query<{ id: string }>(statements.keysWithPrefix(this.#table), parameters)).map(({ id }) => id);
  }

  async latestKeys(limit: number): Promise<string[]> {
    const rows = await this.#query<{ id: string }>(statements.latestKeys(this.#table), { limit: int(limit) });
    return rows.map(({ id }) => id);
  }

  async state(id: string): Promise<EntryState | undefined> {
    const [row] = await this.#query<{ header: Buffer; digest: Buffer }>(statements.entryState(this.#table), {
      id: key(id),
    });
    return row && { key: id, header: row.header, digest: row.digest.toString('hex') };
  }

  async schema(): Promise<SchemaFacts> {
    const names = named(this.#table);
    const columns = await this.#query<{
      name: string;
      typeName: string;
      maxLength: number;
      nullable: boolean;
      collation: string | null;
    }>(statements.columns(), names);
    const indexed = await this.#query<{ indexName: string; isPrimary: boolean; columnName: string }>(
      statements.indexColumns(),
      names,
    );
    const extras = await this.#whereReadable<{ kind: string; name: string }>(statements.extras(), names);
    const facts = await this.#whereReadable<{ compatibilityLevel: number | null; maxBytes: string | number | null }>(
      statements.databaseFacts(),
      {},
    );
    const database = facts?.[0];
    const { productVersion } = await this.#traits();
    const id = columns.find(({ name }) => name.toLowerCase() === 'id');
    return {
      columns: columns.map(({ name, typeName, maxLength, nullable, collation }) => ({
        name,
        type: typeText(typeName, maxLength),
        nullable,
        collation,
      })),
      indexes: grouped(indexed),
      extras,
      // Names of collations say it: _CS, or a binary one.
      caseSensitive: /_CS(_|$)|_BIN/i.test(id?.collation ?? ''),
      serverVersion: productVersion,
      compatibilityLevel: database?.compatibilityLevel ?? null,
      sizeLimitBytes: database?.maxBytes == null ? undefined : Number(database.maxBytes),
      unlogged: false,
    };
  }

  async deletePlan(): Promise<DeletePlan> {
    if (!(await this.#traits()).queryStore) return { kind: 'unknown', reason: 'this server has no Query Store' };
    try {
      const [row] = await this.#connections.query<{ seeks: number }>(
        'read',
        statements.deletePlan(),
        { appDelete: text(4000, appDelete(this.#name)) },
        { timeLimitMs: 5_000 },
      );
      if (!row) return { kind: 'unknown', reason: 'Query Store has no plan of it' };
      return { kind: row.seeks === 1 ? 'index' : 'scan', basis: 'its newest plan in Query Store' };
    } catch (error) {
      if (!(error instanceof CacheTableError)) throw error;
      return { kind: 'unknown', reason: 'Query Store may not be read (GRANT VIEW DATABASE STATE)' };
    }
  }

  async database(): Promise<string> {
    const [row] = await this.#query<{ name: string }>(statements.databaseName());
    return row?.name ?? 'unknown';
  }

  async #sample(rows: number, share: (typeof sampleShares)[number]): Promise<InspectedEntry[]> {
    const result = await this.#query<EntryRow>(statements.sampleEntries(this.#table, share), {
      rows: int(rows),
      bytes: int(contentBytes),
    });
    return result.map(({ id, size, expiresAt, slidingSeconds, absoluteExpiration, content }) => ({
      key: id,
      size: Number(size),
      expiresAt,
      slidingSeconds: slidingSeconds === null ? null : Number(slidingSeconds),
      absoluteExpiration,
      content,
    }));
  }

  /** Undefined where this server has no such view, or does not let it be read. */
  async #whereReadable<R>(text: string, parameters: Parameters): Promise<R[] | undefined> {
    try {
      return await this.#query<R>(text, parameters);
    } catch (error) {
      if (error instanceof CacheTableError && error.kind === 'permanent') return undefined;
      throw error;
    }
  }

  #query<R>(text: string, parameters: Parameters = {}): Promise<R[]> {
    return this.#connections.query<R>('read', text, parameters);
  }
}

function typeText(name: string, maxLength: number): string {
  const bytes = lengths[name];
  if (!bytes) return name;
  return `${name}(${maxLength < 0 ? 'max' : maxLength / bytes})`;
}

function grouped(rows: readonly { indexName: string; isPrimary: boolean; columnName: string }[]): SchemaIndex[] {
  const indexes = new Map<string, SchemaIndex>();
  for (const { indexName, isPrimary, columnName } of rows) {
    const known = indexes.get(indexName) ?? { name: indexName, columns: [], primary: isPrimary };
    known.columns.push(columnName);
    indexes.set(indexName, known);
  }
  return [...indexes.values()];
}
