import { CacheTableError, unless } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { named, text } from './parameters.ts';
import * as statements from './statements.ts';

interface Row {
  type: string;
  synonymOf: string | null;
  temporalType: number | null;
  memoryOptimized: boolean | null;
  isExternal: boolean | null;
  expiryType: string | null;
  expiryNullable: boolean | null;
  mayDelete: number | null;
  updateability: string | null;
  stamp: string | null;
  expiryIndex: string | null;
}

/** What the catalogue says of a table. */
export interface TableTraits {
  /** It takes no table hints, and no index by CREATE INDEX. */
  memoryOptimized: boolean;
  expiryNullable: boolean;
  /** A usable index on the expiry, if there is one. */
  expiryIndex: string | undefined;
  /** Changes when the table does. */
  stamp: string | undefined;
  /** A temporal table's remark, which each run repeats. */
  note: string | undefined;
  /** What its looker was going to do, which was found possible. */
  purpose: 'read' | 'delete';
}

/**
 * What kind of table it is, and whether it may be worked on as `purpose` needs. Undefined on a server that does not tell, which
 * then says at the statement itself what it refuses.
 * @throws CacheTableError where it is not a table that a job can work on, or a right is missing
 */
export async function readTableTraits(
  connections: SqlServerConnections,
  purpose: 'read' | 'delete',
): Promise<TableTraits | undefined> {
  const { table } = connections;
  const [row] = (await unless(isRefusal, connections.query<Row>('read', statements.tableKind(), named(table)))) ?? [];
  if (!row) return undefined;
  const [what, advice] = unsuitable(row) ?? [];
  if (what && advice)
    throw new CacheTableError('permanent', row.type.trim(), 'table_unsuitable', `${table} is ${what}.`, advice);
  if (row.expiryType !== null && row.expiryType !== 'datetimeoffset')
    throw new CacheTableError(
      'permanent',
      row.expiryType,
      'table_unsuitable',
      `The column ExpiresAtTime of ${table} has the type ${row.expiryType}, which has no time zone: which instant is meant depends on who wrote it, and no index on it is of use.`,
      `Give it the type that the library creates: ALTER TABLE ${table} ALTER COLUMN ExpiresAtTime datetimeoffset(7) NOT NULL (the server reads what is there as UTC); simplest by a new table.`,
    );
  if (purpose === 'delete') {
    if (row.updateability === 'READ_ONLY') throw connections.failure(3906, 'the database is read-only', purpose);
    if (row.mayDelete === 0)
      throw connections.failure(229, `The DELETE permission was denied on the object ${table}`, purpose);
  }
  return {
    memoryOptimized: row.memoryOptimized ?? false,
    expiryNullable: row.expiryNullable ?? false,
    expiryIndex: row.expiryIndex ?? undefined,
    stamp: row.stamp ?? undefined,
    note:
      row.temporalType === 2
        ? `${table} is a temporal table: its history table keeps what is deleted, tokens included. Switch that off (SET SYSTEM_VERSIONING = OFF), or give it a HISTORY_RETENTION_PERIOD.`
        : undefined,
    purpose,
  };
}

/** The server does not tell. */
const isRefusal = ({ answered, kind }: CacheTableError) => answered && kind === 'permanent';

interface CheckedClock {
  now: Date;
  stamp: string | null;
  indexDisabled: number | null;
  mayDelete: number | null;
  updateability: string | null;
}

/**
 * The server's clock, where what an earlier run saw of the table still holds: it is the same, unchanged, its index is usable, and
 * it may be worked on. Undefined where anything differs, or the server does not say so.
 */
export async function clockIfUnchanged(
  connections: SqlServerConnections,
  { stamp, expiryIndex, purpose: seenFor }: TableTraits,
  purpose: 'read' | 'delete',
): Promise<Date | undefined> {
  if (!stamp || !expiryIndex || (purpose === 'delete' && seenFor === 'read')) return undefined;
  const { table } = connections;
  const parameters = { ...named(table), index: text(128, expiryIndex) };
  const asked = connections.query<CheckedClock>('read', statements.clock(table, true), parameters);
  const [row] = (await unless(isRefusal, asked)) ?? [];
  const may = purpose === 'read' || (row?.mayDelete !== 0 && row?.updateability !== 'READ_ONLY');
  return row?.stamp === stamp && row.indexDisabled === 0 && may ? row.now : undefined;
}

function unsuitable({ type, synonymOf, temporalType, isExternal }: Row): [what: string, advice: string] | undefined {
  const holder = 'Set TOKEN_CACHE_TABLE to the table that holds the rows, in the database where it lies.';
  if (synonymOf !== null)
    return [
      `a synonym of ${synonymOf}: indexes, sizes and rights are that table's`,
      `Set TOKEN_CACHE_TABLE to ${synonymOf}, with the connection string of its own database.`,
    ];
  if (type.trim() === 'V')
    return ['a view: deleting through it depends on its definition, and it has no index', holder];
  if (isExternal) return ['an external table: its rows are those of another server', holder];
  if (temporalType === 1) return ['the history table of a temporal table, which the server alone writes', holder];
  return undefined;
}
