import type { TableFigures } from '../cacheTable.ts';
import { CacheTableError, unless } from '../cacheTableError.ts';
import { contentBytes, type SchemaIndex, type TableInspection } from '../inspection.ts';
import { appDelete } from './appPurge.ts';
import type { SqlServerConnections } from './connections.ts';
import { randomRows } from './figures.ts';
import * as statements from './inspectionStatements.ts';
import { int, key, named, type Parameters } from './parameters.ts';
import type { ServerTraits } from './serverTraits.ts';

interface EntryRow {
  id: string;
  size: string | number;
  expiresAt: Date | null;
  slidingSeconds: string | number | null;
  content: Buffer | null;
}

interface ColumnRow {
  name: string;
  typeName: string;
  maxLength: number;
  nullable: boolean;
  collation: string | null;
}

/** Types whose length belongs to the name; of `nvarchar` two bytes are a character. */
const lengths: Record<string, number> = { nvarchar: 2, nchar: 2, varchar: 1, char: 1, varbinary: 1, binary: 1 };

export function sqlServerInspection(
  connections: SqlServerConnections,
  { catalogue }: TableFigures,
  traits: () => Promise<ServerTraits>,
): TableInspection {
  const { table } = connections;
  const query = <R>(text: string, parameters: Parameters = {}) => connections.query<R>('read', text, parameters);
  const keys = async (text: string, parameters: Parameters) =>
    (await query<{ id: string }>(text, parameters)).map(({ id }) => id);

  /** Undefined where this server has no such view, or does not let it be read. */
  const whereReadable = <R>(text: string, parameters: Parameters) =>
    unless(({ kind }) => kind === 'permanent', query<R>(text, parameters));

  return {
    async sample(rows) {
      const sampled = await randomRows(catalogue, rows, (share) =>
        query<EntryRow>(statements.sampleEntries(table, share), { rows: int(rows), bytes: int(contentBytes) }),
      );
      return sampled.map(({ id, size, slidingSeconds, content, ...entry }) => ({
        ...entry,
        content: content ?? new Uint8Array(),
        key: id,
        size: Number(size),
        slidingSeconds: slidingSeconds === null ? null : Number(slidingSeconds),
      }));
    },

    read: async (id) => (await query(statements.readValue(table), { id: key(id) })).length > 0,

    keysWithPrefix: (prefix, limit) =>
      keys(statements.keysWithPrefix(table), {
        prefix: key(`${prefix.replace(/[[%_]/g, '[$&]')}%`),
        limit: int(limit),
      }),

    latestKeys: (limit) => keys(statements.latestKeys(table), { limit: int(limit) }),

    async state(id) {
      const [row] = await query<{ header: Buffer | null; digest: Buffer | null }>(statements.entryState(table), {
        id: key(id),
      });
      return row && { key: id, header: row.header ?? new Uint8Array(), digest: row.digest?.toString('hex') ?? '' };
    },

    async schema() {
      const columns = await query<ColumnRow>(statements.columns(), named(table));
      const indexed = await query<IndexedRow>(statements.indexColumns(), named(table));
      const extras = await whereReadable<{ kind: string; name: string }>(statements.extras(), named(table));
      const facts = await whereReadable<{
        compatibilityLevel: number | null;
        maxBytes: string | number | null;
        usedBytes: string | number | null;
      }>(statements.databaseFacts(), {});
      const { compatibilityLevel = null, maxBytes = null, usedBytes = null } = facts?.[0] ?? {};
      const id = columns.find(({ name }) => name.toLowerCase() === 'id');
      return {
        columns: columns.map(({ typeName, maxLength, ...column }) => ({
          ...column,
          type: typeText(typeName, maxLength),
        })),
        indexes: grouped(indexed),
        extras,
        // Names of collations say it: _CS, or a binary one.
        caseSensitive: /_CS(_|$)|_BIN/i.test(id?.collation ?? ''),
        serverVersion: (await traits()).productVersion,
        compatibilityLevel,
        sizeLimitBytes: maxBytes === null ? undefined : Number(maxBytes),
        databaseBytes: usedBytes === null ? undefined : Number(usedBytes),
        unlogged: false,
      };
    },

    async deletePlan() {
      if (!(await traits()).queryStore) return { kind: 'unknown', reason: 'this server has no Query Store' };
      try {
        const limit = { timeLimitMs: 5_000 };
        const [row] = await connections.query<{ seeks: number }>(
          'read',
          statements.deletePlan(),
          appDelete(table),
          limit,
        );
        if (!row) return { kind: 'unknown', reason: 'Query Store has no plan of it' };
        return { kind: row.seeks === 1 ? 'index' : 'scan', basis: 'its newest plan in Query Store' };
      } catch (error) {
        if (!(error instanceof CacheTableError)) throw error;
        return { kind: 'unknown', reason: 'Query Store may not be read (GRANT VIEW DATABASE STATE)' };
      }
    },

    upkeep: async () => undefined,

    database: async () => (await query<{ name: string }>(statements.databaseName()))[0]?.name ?? 'unknown',
  };
}

function typeText(name: string, maxLength: number): string {
  const bytes = lengths[name];
  if (!bytes) return name;
  return `${name}(${maxLength < 0 ? 'max' : maxLength / bytes})`;
}

interface IndexedRow {
  indexName: string;
  isPrimary: boolean;
  columnName: string;
}

function grouped(rows: readonly IndexedRow[]): SchemaIndex[] {
  const indexes = new Map<string, SchemaIndex>();
  for (const { indexName, isPrimary, columnName } of rows) {
    const known = indexes.get(indexName) ?? { name: indexName, columns: [], primary: isPrimary };
    known.columns.push(columnName);
    indexes.set(indexName, known);
  }
  return [...indexes.values()];
}
