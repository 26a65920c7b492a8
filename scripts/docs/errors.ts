import { errorCodes } from '../../src/lib/errorCodes.ts';
import { between, code, table } from './markdown.ts';

/** docs/reference/errors.md, with every code. */
export function withErrors(text: string): string {
  const rows = Object.entries(errorCodes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { status, outcome, what, advice }]) => [code(name), what, advice, outcome, String(status)]);
  return between(text, table(['code', 'what happened', 'what to do', 'the run', 'HTTP'], rows));
}
