import { MaintenanceError } from '../../errors.ts';

/** The longest identifier that PostgreSQL keeps, in bytes (NAMEDATALEN - 1); longer ones it cuts off silently. */
export const maxIdentifierBytes = 63;

/** A table's name in its parts, unquoted. */
export interface TableName {
  schema: string;
  table: string;
}

/** Delimits an identifier, whatever characters it has. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/**
 * Reads `schema.table` or `table` (schema `public`) as PostgreSQL would: bare parts fold to lower case, since
 * Microsoft.Extensions.Caching.Postgres does not quote its identifiers; quoted parts are taken as they are.
 * @throws MaintenanceError `table_name_invalid`
 */
export function parseTableName(text: string): TableName {
  const part = /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*(\.|$)/uy;
  const parts: string[] = [];
  let ended = false;
  while (!ended) {
    const match = part.exec(text);
    if (!match) throw invalid(text);
    const [, quoted, bare, separator] = match;
    parts.push(quoted?.replaceAll('""', '"') ?? bare?.toLowerCase() ?? '');
    ended = separator === '';
  }
  const [schema, table] = parts.length === 1 ? ['public', parts[0]] : parts;
  if (parts.length > 2 || !schema || !table || text.includes('\0')) throw invalid(text);
  const tooLong = [schema, table].find((name) => Buffer.byteLength(name) > maxIdentifierBytes);
  if (tooLong) throw invalid(text, `An identifier of PostgreSQL has at most ${maxIdentifierBytes} bytes.`);
  return { schema, table };
}

function invalid(text: string, reason = ''): MaintenanceError {
  return new MaintenanceError(
    'table_name_invalid',
    `\`${text}\` is not the name of a PostgreSQL table. ${reason}`.trim(),
    'Write it as `schema.table`; quote a part that has other characters: `"My Schema"."we""ird"`.',
  );
}
