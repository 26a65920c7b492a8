/** Short forms for entries of the statement table. */
import { withoutHints } from '../../../src/lib/sql/sqlserver/hints.ts';
import { quoteTable } from '../../../src/lib/sql/sqlserver/tableName.ts';
import { type Call, combinations, type Entry, type Names, type Rendering } from './statementTable.ts';
import type { Column } from './tokens.ts';

type Renderings = (names: Names) => Rendering[];

/** A statement of one text. */
export const fixed =
  (statement: () => string): Renderings =>
  () => [{ text: statement(), identifiers: [], flags: [] }];

/** The type admits the table's name and flags alone: a value that went into the text would not compile. With hints and without. */
export const ofTable =
  (statement: (t: string, ...flags: boolean[]) => string): Renderings =>
  ({ schema, table }) =>
    combinations(statement.length - 1).flatMap((flags) => {
      const text = statement(quoteTable({ schema, table }), ...flags);
      return [...new Set([text, withoutHints(text)])].map((each) => ({
        text: each,
        identifiers: [schema, table],
        flags,
      }));
    });

/** An entry whose twin is one SELECT: its columns in their order. */
export function select(renderings: Renderings, columns: Column[], twin: (call: Call) => string): Entry {
  return {
    renderings,
    answer: async (call) => ({ columns, rows: await call.query(twin(call)) }),
  };
}

/** An entry without a result. */
export function command(renderings: Renderings, twin: (call: Call) => string | Promise<string>): Entry {
  return {
    renderings,
    answer: async (call) => {
      await call.query(await twin(call));
      return { columns: [], rows: [] };
    },
  };
}

/** PostgreSQL's clock in 100 ns since the year 1. */
export const nowTicks = '((extract(epoch from clock_timestamp()) * 10000000)::bigint + 621355968000000000)';
