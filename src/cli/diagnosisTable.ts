import { styleText } from 'node:util';
import type { CheckStatus } from '../lib/checks/check.ts';
import type { DiagnosisReport } from '../lib/checks/diagnosisReport.ts';
import { diagnosisView } from '../lib/pages/diagnosis/diagnosisView.ts';
import { harmless } from './findingTable.ts';
import { plainTable } from './output.ts';

const colours = { critical: 'red', warning: 'yellow', unknown: 'cyan', pass: 'green' } as const;

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
