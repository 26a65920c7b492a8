import { styleText } from 'node:util';
import type { DiagnosisReport } from '../lib/checks/diagnosisReport.ts';
import type { ToldFinding } from '../lib/findings/finding.ts';
import type { HealthStatus } from '../lib/findings/judge.ts';
import { diagnosisView } from '../lib/pages/diagnosis/diagnosisView.ts';
import { timeText } from '../lib/pages/status/wording.ts';
import { countOf } from '../lib/wording.ts';
import { plainTable } from './output.ts';

const colours = { critical: 'red', warning: 'yellow', info: 'cyan', unknown: 'cyan', pass: 'green' } as const;

/** Colour where asked for. */
const painter = (coloured: boolean) => (word: keyof typeof colours, text: string) =>
  coloured ? styleText(colours[word], text, { validateStream: false }) : text;

/** Findings for people, the worst first. */
export function findingTable(
  findings: readonly ToldFinding[],
  health: HealthStatus,
  records: string,
  coloured: boolean,
): string {
  const paint = painter(coloured);
  const head = `Health is ${health}, ${countOf(findings.length, 'finding')}. Records: ${records}.`;
  const rows = findings.flatMap(({ level, check, subject, what, advice, runbook, since }) => [
    [paint(level, level), check, subject, harmless(what)],
    ['', '', 'advice', harmless(advice)],
    ['', '', 'runbook', runbook],
    ...(since === null ? [] : [['', '', 'since', timeText(since)]]),
  ]);
  return rows.length === 0 ? head : `${head}\n${plainTable(rows)}`;
}

/** A diagnosis for people: what did not pass with its reason and advice, then what passed. */
export function diagnosisTable(report: DiagnosisReport, coloured: boolean): string {
  const paint = painter(coloured);
  const { troubles, passed, headline, counts } = diagnosisView(report);
  const rows = troubles.flatMap(({ status, check, subject, cause, what, advice, section, evidenceText }) => [
    [paint(status, status), check, subject, harmless(`${what}${cause === null ? '' : ` (${cause})`}`)],
    ...(advice === null ? [] : [['', '', status === 'unknown' ? 'needs' : 'advice', harmless(advice)]]),
    ...(evidenceText === '' ? [] : [['', '', 'figures', harmless(evidenceText)]]),
    ['', '', 'runbook', section],
  ]);
  const passes = passed.flatMap(({ subject, checks }) =>
    checks.map(({ check, what }) => [paint('pass', 'pass'), check, subject, harmless(what)]),
  );
  return `${paint(report.status, headline)}: ${counts}\n${plainTable([...rows, ...passes])}`;
}

/** Names come from the server: none may steer the terminal. */
const harmless = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
