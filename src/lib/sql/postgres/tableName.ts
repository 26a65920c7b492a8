import { createHash } from 'node:crypto';
import { MaintenanceError } from '../../errors.ts';
import { nameOfCopies, readTableName, type TableName } from '../names.ts';

/** The longest identifier that PostgreSQL keeps, in bytes (NAMEDATALEN - 1); longer ones it cuts off silently. */
export const maxIdentifierBytes = 63;

/** Delimits an identifier, whatever characters it has. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** The table that copies of a key ring go to, delimited. */
export function copiesOf(ring: TableName): string {
  return quoteTable(nameOfCopies(ring, maxIdentifierBytes));
}

/**
 * Reads `schema.table` or `table` (schema `public`) as PostgreSQL would: bare parts fold to lower case, since
 * Microsoft.Extensions.Caching.Postgres does not quote its identifiers, and with `keepsCase` not, as Entity Framework quotes
 * them; quoted parts are taken as they are.
 * @throws MaintenanceError `table_name_invalid`
 */
export function parseTableName(text: string, { keepsCase = false } = {}): TableName {
  const part = /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*(\.|$)/guy;
  const name = readTableName(
    text,
    'public',
    part,
    (quoted, bare) => quoted?.replaceAll('""', '"') ?? (keepsCase ? bare : bare?.toLowerCase()),
  );
  if (name && [name.schema, name.table].every((each) => Buffer.byteLength(each) <= maxIdentifierBytes)) return name;
  throw new MaintenanceError(
    'table_name_invalid',
    'What was given is not the name of a PostgreSQL table.',
    `Write it as \`schema.table\`, each part of at most ${maxIdentifierBytes} bytes; quote a part that has other characters: \`"My Schema"."we""ird"\`.`,
  );
}

/** A table's own name for its expiry index, since all indexes of a schema share their names; cut off, two would be one. */
export function expiryIndexName(table: string): string {
  const name = `IX_${table}_ExpiresAtTime`;
  if (Buffer.byteLength(name) <= maxIdentifierBytes) return name;
  return `IX_${createHash('sha256').update(table).digest('hex').slice(0, 32)}_ExpiresAtTime`;
}
