import { styleText } from 'node:util';
import type { Finding } from '../lib/findings/finding.ts';
import type { HealthStatus } from '../lib/findings/judge.ts';
import type { Level } from '../lib/level.ts';
import { timeText } from '../lib/pages/status/wording.ts';
import { countOf } from '../lib/wording.ts';
import { plainTable } from './output.ts';

const colours = { critical: 'red', warning: 'yellow', info: 'cyan' } as const;

/** Findings for people, the worst first. Colour where asked for. */
export function findingTable(
  findings: readonly Finding[],
  health: HealthStatus,
  records: string,
  coloured: boolean,
): string {
  const paint = (level: Level) => (coloured ? styleText(colours[level], level, { validateStream: false }) : level);
  const head = `Health is ${health}, ${countOf(findings.length, 'finding')}. Records: ${records}.`;
  const rows = findings.flatMap(({ level, check, subject, what, advice, since }) => [
    [paint(level), check, subject, harmless(what)],
    ['', '', 'advice', harmless(advice)],
    ...(since === null ? [] : [['', '', 'since', timeText(since)]]),
  ]);
  return rows.length === 0 ? head : `${head}\n${plainTable(rows)}`;
}

/** Names come from the server: none may steer the terminal. */
export const harmless = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
