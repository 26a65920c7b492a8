/** The line that shows how far a purge or a clear is, on terminals of several widths. */
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { progressLine } from '../../src/cli/progressBar.ts';

/** The last state of the line on a terminal so wide. */
function lastLine(columns: number, ...update: [number, number?, number?]): string {
  const terminal = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns });
  const line = progressLine('purge default', terminal);
  line.update(...update);
  line.stop();
  const states = String(terminal.read()).split('\x1b[1G');
  return stripVTControlCharacters(states.at(-1) ?? '').trimEnd();
}

it.each([
  [
    120,
    'purge default ████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 20 % | 20 s left | 60,000 of 300,000 | 12,000 entries/s',
  ],
  [80, 'purge default ██░░░░░░░ 20 % | 20 s left | 60,000 of 300,000 | 12,000 entries/s'],
  [60, 'purge default ██░░░░░░ 20 % | 20 s left | 60,000 of 300,000'],
  [40, 'purge default ██░░░░░░ 20 % | 20 s left'],
  [10, 'purge default 20 %'],
])('has whole figures on %i columns, the end of the work first', (columns, text) => {
  const line = lastLine(columns, 60_000, 300_000, 5_000);
  expect(line).toBe(text);
});

it('has no share and no bar where the end is not known', () => {
  expect(lastLine(80, 12_000, undefined, 2_000)).toBe('purge default 12,000 entries | 6,000 entries/s');
  expect(lastLine(80, 0, 0, 2_000)).toBe('purge default 0 entries | 0 entries/s');
});
