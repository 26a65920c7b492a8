import Table from 'cli-table3';
import type { RunResult } from '../lib/runs/runJob.ts';
import { ageText } from '../lib/sqlCache/summaries.ts';

/** A line of a report: what, and its value. */
export type Row = [string, string];

/** A result for people, on stdout; a failure on stderr. */
export function printResult<R extends object>(
  { job, cache, report, error, runId, duration }: RunResult<R>,
  rowsOf: (report: R) => Row[],
): void {
  if (error) console.error(`${job} ${cache} failed (${error.code}): ${error.message}\n${error.advice}`);
  else if (report) {
    console.log(`${job} ${cache}`);
    console.log(plainTable([...rowsOf(report), ['took', ageText(duration)], ['run', runId]]));
  }
}

/** A table without lines, so that it can be cut and compared. */
export function plainTable(rows: string[][]): string {
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((part) => [part, '']),
  );
  const table = new Table({
    chars: { ...none, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, border: [], head: [] },
  });
  table.push(...rows);
  // Cells are padded to the longest: a line that ends in blanks would wrap in a narrow terminal.
  return table.toString().replace(/ +$/gm, '');
}
