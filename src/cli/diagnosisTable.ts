import { styleText } from 'node:util';
import type { CheckStatus } from '../lib/diagnosis/check.ts';
import type { DiagnosisReport } from '../lib/diagnosis/diagnosisReport.ts';
import { diagnosisView } from '../lib/diagnosis/diagnosisView.ts';
import { plainTable } from './output.ts';

const colours = { fail: 'red', warn: 'yellow', unknown: 'cyan', pass: 'green' } as const;

/** A diagnosis for people: what did not pass with its reason and remedy, then what passed. Colour where asked for. */
export function diagnosisTable(report: DiagnosisReport, coloured: boolean): string {
  const paint = (status: CheckStatus, text: string) =>
    coloured ? styleText(colours[status], text, { validateStream: false }) : text;
  const { troubles, passed, headline, counts } = diagnosisView(report);
  const rows = troubles.flatMap(({ status, check, subject, cause, summary, remedy, section, evidenceText }) => [
    [paint(status, status), check, subject, `${summary}${cause === null ? '' : ` (${cause})`}`],
    ...(remedy === null ? [] : [['', '', status === 'unknown' ? 'needs' : 'remedy', remedy]]),
    ...(evidenceText === '' ? [] : [['', '', 'figures', evidenceText]]),
    ['', '', 'more', section],
  ]);
  const passes = passed.flatMap(({ subject, checks }) =>
    checks.map(({ check, summary }) => [paint('pass', 'pass'), check, subject, summary]),
  );
  return `${paint(report.status, headline)}: ${counts}\n${plainTable([...rows, ...passes])}`;
}
