import { styleText } from 'node:util';
import type { CheckStatus } from '../lib/diagnosis/check.ts';
import type { DiagnosisReport } from '../lib/diagnosis/diagnosisReport.ts';
import { diagnosisView } from '../lib/diagnosis/diagnosisView.ts';
import { plainTable } from './output.ts';

const colours = { critical: 'red', warning: 'yellow', unknown: 'cyan', pass: 'green' } as const;

/** Names come from the server: none may steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const harmless = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** A diagnosis for people: what did not pass with its reason and advice, then what passed. Colour where asked for. */
export function diagnosisTable(report: DiagnosisReport, coloured: boolean): string {
  const paint = (status: CheckStatus, text: string) =>
    coloured ? styleText(colours[status], text, { validateStream: false }) : text;
  const { troubles, passed, headline, counts } = diagnosisView(report);
  const rows = troubles.flatMap(({ status, check, subject, cause, what, advice, section, evidenceText }) => [
    [paint(status, status), check, subject, harmless(`${what}${cause === null ? '' : ` (${cause})`}`)],
    ...(advice === null ? [] : [['', '', status === 'unknown' ? 'needs' : 'advice', harmless(advice)]]),
    ...(evidenceText === '' ? [] : [['', '', 'figures', harmless(evidenceText)]]),
    ['', '', 'more', section],
  ]);
  const passes = passed.flatMap(({ subject, checks }) =>
    checks.map(({ check, what }) => [paint('pass', 'pass'), check, subject, harmless(what)]),
  );
  return `${paint(report.status, headline)}: ${counts}\n${plainTable([...rows, ...passes])}`;
}
