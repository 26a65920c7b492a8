import Table from 'cli-table3';
import type { JobName, ReportOf } from '../lib/runs/catalogue.ts';
import type { RunResult } from '../lib/runs/runJob.ts';
import { ageText } from '../lib/sqlCache/summaries.ts';

/** A line of a report: what, and its value. */
export type Row = [string, string];

/** A result for people, on stdout; an error on stderr, after what was done by then. */
export function printResult<J extends JobName>(result: RunResult<J>, rowsOf: (report: ReportOf<J>) => Row[]): void {
  const { job, subject, report, error, outcome, runId, duration } = result;
  if (report) {
    console.log(`${job} ${subject}`);
    console.log(plainTable([...rowsOf(report), ['took', ageText(duration)], ['run', runId]]));
  }
  if (error) console.error(`${job} ${subject} ${outcome} (${error.code}). ${error.message}\n${error.advice}`);
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
