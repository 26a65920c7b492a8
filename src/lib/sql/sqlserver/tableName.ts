import { MaintenanceError } from '../../errors.ts';

/** The longest name of a table in SQL Server, in characters (sysname). */
export const maxIdentifierLength = 128;

/** A table's name in its parts, without delimiters. */
export interface TableName {
  schema: string;
  table: string;
}

/** Delimits an identifier, whatever characters it has. */
export function quoteIdentifier(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/**
 * Reads `schema.table` or `table` (schema `dbo`); each part bare, in brackets (`[my schema].[weird]]name]`) or in double
 * quotes.
 * @throws MaintenanceError `table_name_invalid`
 */
export function parseTableName(text: string): TableName {
  const part = /\s*(?:\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([\p{L}_@#][\p{L}\p{N}_@#$]*))\s*(\.|$)/uy;
  const parts: string[] = [];
  let ended = false;
  while (!ended) {
    const match = part.exec(text);
    if (!match) throw invalid(text);
    const [, bracketed, quoted, bare, separator] = match;
    parts.push(bracketed?.replaceAll(']]', ']') ?? quoted?.replaceAll('""', '"') ?? bare ?? '');
    ended = separator === '';
  }
  const [schema, table] = parts.length === 1 ? ['dbo', parts[0]] : parts;
  if (parts.length > 2 || !schema || !table || text.includes('\0')) throw invalid(text);
  if (Math.max(schema.length, table.length) > maxIdentifierLength) throw invalid(text);
  return { schema, table };
}

function invalid(text: string): MaintenanceError {
  return new MaintenanceError(
    'table_name_invalid',
    `\`${text}\` is not the name of a SQL Server table.`,
    `Write it as \`schema.table\`, each part of at most ${maxIdentifierLength} characters; delimit a part that has other characters: \`[my schema].[weird]]name]\`.`,
  );
}
