import { MaintenanceError } from '../../errors.ts';
import { nameOfCopies, readTableName, type TableName } from '../names.ts';

/** The longest name of a table in SQL Server, in characters (sysname). */
export const maxIdentifierLength = 128;

/** Delimits an identifier, whatever characters it has. */
export function quoteIdentifier(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** The table that copies of a key ring go to, delimited. */
export function copiesOf(ring: TableName): string {
  return quoteTable(nameOfCopies(ring, maxIdentifierLength));
}

/**
 * Reads `schema.table` or `table` (schema `dbo`); each part bare, in brackets (`[my schema].[weird]]name]`) or in double
 * quotes.
 * @throws MaintenanceError `table_name_invalid`
 */
export function parseTableName(text: string): TableName {
  const part = /\s*(?:\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([\p{L}_@#][\p{L}\p{N}_@#$]*))\s*(\.|$)/guy;
  const name = readTableName(
    text,
    'dbo',
    part,
    (bracketed, quoted, bare) => bracketed?.replaceAll(']]', ']') ?? quoted?.replaceAll('""', '"') ?? bare,
  );
  if (name && Math.max(name.schema.length, name.table.length) <= maxIdentifierLength) return name;
  throw new MaintenanceError(
    'table_name_invalid',
    'What was given is not the name of a SQL Server table.',
    `Write it as \`schema.table\`, each part of at most ${maxIdentifierLength} characters; delimit a part that has other characters: \`[my schema].[weird]]name]\`.`,
  );
}

/** The name of an expiry index that is created: here each table has names of its own. */
export const expiryIndexName = 'IX_TokenCache_ExpiresAtTime';
