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
  return table.toString();
}

/** `4.1 kB`, `552 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
