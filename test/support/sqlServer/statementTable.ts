/**
 * One entry for each statement that the endpoint knows: every text it may be sent in, and its PostgreSQL twin. A text is
 * recognised as a whole or not at all; only the delimited names, and the minutes of an index build, may differ.
 */

import { quoteIdentifier } from '../../../src/lib/sql/postgres/tableName.ts';
import { parseTableName } from '../../../src/lib/sql/sqlserver/tableName.ts';
import type { Parameters } from './requests.ts';
import type { Column } from './tokens.ts';
import type { Value } from './types.ts';

export interface Names {
  schema: string;
  table: string;
  index: string;
  column: string;
  /** For an index build: DDL takes no parameters. */
  minutes: number;
  /** A user's, as a literal; for the same reason. */
  sid: string;
}

export interface Rendering {
  text: string;
  /** Names that the text must hold as identifiers. */
  identifiers: string[];
  /** What this rendering differs in from the others of its statement. */
  flags: readonly boolean[];
}

interface Answer {
  columns: Column[];
  rows: Value[][];
  /** Rows that a statement without NOCOUNT reports. */
  count?: number;
}

/** What the server says of itself. */
export interface ServerKind {
  engineEdition: number;
  productVersion: string;
  /** The indexes take row locks (ALLOW_ROW_LOCKS); else the hint ROWLOCK is refused. */
  rowLocks: boolean;
  /** A trigger takes the place of a delete, whose rows are counted and stay. */
  insteadOfDelete?: boolean;
  /** Per cent, as of sys.dm_db_resource_stats. */
  load: { cpu: number; dataIo: number; logWrite: number };
}

/** A statement on its way: names delimited for PostgreSQL, and the session that it runs in. */
export interface Call {
  text: string;
  table: string;
  /** Delimited: of an index, or of another thing than the table. */
  index: string;
  column: string;
  /** `0x` and the digits, where the text has one. */
  sid: string;
  flags: readonly boolean[];
  parameters: Parameters;
  server: ServerKind;
  sessionId: number;
  /** Runs PostgreSQL's text; `@name` is the parameter of that name. */
  query(text: string): Promise<Value[][]>;
}

export interface Entry {
  renderings(names: Names): Rendering[];
  answer(call: Call): Promise<Answer>;
}

export type StatementTable = Record<string, Entry>;

export interface Recognised {
  name: string;
  entry: Entry;
  table: string;
  index: string;
  column: string;
  sid: string;
  flags: readonly boolean[];
}

const delimited = String.raw`\[(?:[^\]]|\]\])*\]`;
const standIns: Names = {
  schema: 'SchemaStandIn',
  table: 'TableStandIn',
  index: 'IndexStandIn',
  column: 'ColumnStandIn',
  minutes: 7_919,
  sid: '0x79197919791979197919791979197919',
};

/** A delimited name as PostgreSQL takes it. */
export function toPostgres(name: string): string {
  const { schema, table } = parseTableName(name);
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** Finds the entry of a text, and the names in it; undefined for any other text. */
export function recogniser(table: StatementTable): (text: string) => Recognised | undefined {
  const patterns = Object.entries(table).flatMap(([name, entry]) =>
    entry.renderings(standIns).map(({ text, flags }) => ({ name, entry, flags, pattern: patternOf(text) })),
  );
  const known = new Map<string, Recognised>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    for (const { name, entry, flags, pattern } of patterns) {
      const groups = pattern.exec(text)?.groups;
      if (!groups) continue;
      const { schema = '[none]', table: tableName = '[none]' } = groups;
      const found = {
        name,
        entry,
        flags,
        table: toPostgres(`${schema}.${tableName}`),
        index: quoteIdentifier(parseTableName(groups.index ?? '[none]').table),
        column: quoteIdentifier(parseTableName(groups.column ?? '[none]').table),
        sid: groups.sid ?? '',
      };
      known.set(text, found);
      return found;
    }
    return undefined;
  };
}

function patternOf(text: string): RegExp {
  const seen = new Set<string>();
  const capture = (group: string, pattern: string) => {
    if (seen.has(group)) return `\\k<${group}>`;
    seen.add(group);
    return `(?<${group}>${pattern})`;
  };
  const source = text
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(`\\[${standIns.schema}\\]`, () => capture('schema', delimited))
    .replaceAll(`\\[${standIns.table}\\]`, () => capture('table', delimited))
    .replaceAll(`\\[${standIns.index}\\]`, () => capture('index', delimited))
    .replaceAll(`\\[${standIns.column}\\]`, () => capture('column', delimited))
    .replaceAll(standIns.sid, () => capture('sid', '0x[0-9A-F]{32}'))
    .replaceAll(String(standIns.minutes), () => capture('minutes', '[0-9]+'));
  return new RegExp(`^${source}(?<end>)$`);
}

/** Every combination of so many flags. */
export function combinations(flags: number): boolean[][] {
  return Array.from({ length: 2 ** flags }, (_, bits) =>
    Array.from({ length: flags }, (_unused, flag) => (bits & (1 << flag)) !== 0),
  );
}
