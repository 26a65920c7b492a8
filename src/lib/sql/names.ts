/** A table's name in its parts, without delimiters. */
export interface TableName {
  schema: string;
  table: string;
}

/**
 * Reads `schema.table` or `table`; undefined where it is neither. `part` finds one part (flags `guy`), with the dot or the
 * end behind it as its last group; `nameOf` makes its name of the groups before.
 */
export function readTableName(
  text: string,
  defaultSchema: string,
  part: RegExp,
  nameOf: (...forms: (string | undefined)[]) => string | undefined,
): TableName | undefined {
  const parts = [...text.matchAll(part)];
  if (parts.map(([whole]) => whole).join('') !== text || parts.at(-1)?.at(-1) !== '') return undefined;
  const names = parts.map(([, ...forms]) => nameOf(...forms.slice(0, -1)));
  const [schema, table] = names.length === 1 ? [defaultSchema, names[0]] : names;
  return names.length > 2 || !schema || !table || text.includes('\0') ? undefined : { schema, table };
}

/** The table for copies of a key ring, beside the ring's; its name is cut where the engine has no room for a longer one. */
export function nameOfCopies({ schema, table }: TableName, longestBytes: number): TableName {
  const ending = '_backup';
  let name = table;
  while (Buffer.byteLength(name + ending) > longestBytes) name = [...name].slice(0, -1).join('');
  return { schema, table: name + ending };
}
