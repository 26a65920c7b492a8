import { stripVTControlCharacters } from 'node:util';
import type { ErrorReport } from '../lib/errors.ts';
import type { JobName } from '../lib/runs/catalogue.ts';
import type { Ending } from '../lib/runs/ending.ts';
import type { RunResult } from '../lib/runs/runJob.ts';
import { ageText } from '../lib/sql/summaries.ts';

/** A line of a report: what, and its value. */
export type Row = [string, string];

/** A result for people, on stdout; an error on stderr, after what was done by then. */
export function printResult<J extends JobName>(result: RunResult<J>, rows: Row[] | undefined): void {
  const { job, subject, error, outcome, runId, duration } = result;
  if (rows) {
    console.log(`${job} ${subject}`);
    console.log(plainTable([...rows, ['took', ageText(duration)], ['run', runId]]));
  }
  if (error) printError(`${job} ${subject}`, outcome, error);
}

/** How every command says that it failed, was refused or stopped. */
export function printError(what: string, outcome: Ending, { code, message, advice }: ErrorReport): void {
  console.error(`${what} ${outcome} (${code}). ${message}\n${advice}`);
}

/** A table without lines, so that it can be cut and compared. Cells are padded to the longest of their column. */
export function plainTable(rows: string[][]): string {
  const lines = rows.map((row) => row.map((cell) => cell.split('\n')));
  const width = (cell: string) => stripVTControlCharacters(cell).length;
  const widths: number[] = [];
  for (const row of lines)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, ...cell.map(width));
    });
  return lines
    .flatMap((row) =>
      Array.from({ length: Math.max(...row.map((cell) => cell.length)) }, (_, line) =>
        row
          .map((cell, column) => {
            const text = cell[line] ?? '';
            return text + ' '.repeat((widths[column] ?? 0) - width(text));
          })
          .join('  ')
          .trimEnd(),
      ),
    )
    .join('\n');
}
