import type { CheckStatus, Evidence } from '../../checks/check.ts';
import { statusOrder } from '../../checks/check.ts';
import type { CheckReport, DiagnosisReport } from '../../checks/diagnosisReport.ts';
import { timeText } from '../status/wording.ts';

/** What terminal and page show of a diagnosis, in words; the report itself is the JSON. */
export interface DiagnosisView {
  status: CheckStatus;
  headline: string;
  at: string;
  counts: string;
  /** All that did not pass, the worst first. */
  troubles: TroubleView[];
  /** The checks that passed, by subject. */
  passed: { subject: string; checks: CheckReport[] }[];
}

export interface TroubleView extends CheckReport {
  evidenceText: string;
}

const headlines: Record<CheckStatus, string> = {
  critical: 'Causes found',
  warning: 'Look by day',
  unknown: 'Not all could be looked at',
  pass: 'Nothing found',
};

export function diagnosisView({ status, at, counts, checks }: DiagnosisReport): DiagnosisView {
  const passed = new Map<string, CheckReport[]>();
  for (const check of checks)
    if (check.status === 'pass') passed.set(check.subject, [...(passed.get(check.subject) ?? []), check]);
  return {
    status,
    headline: headlines[status],
    at: timeText(at),
    counts: statusOrder.map((each) => `${counts[each]} ${each}`).join(', '),
    troubles: checks
      .filter((check) => check.status !== 'pass')
      .map((check) => ({ ...check, evidenceText: evidenceText(check.evidence) })),
    passed: [...passed].map(([subject, each]) => ({ subject, checks: each })),
  };
}

/** `p50: 1.2 ms; reads: 20`. */
export function evidenceText(evidence: readonly Evidence[]): string {
  return evidence
    .map(({ what, value, unit }) => {
      const text = typeof value === 'number' ? value.toLocaleString('en-US') : value;
      return `${what}: ${text}${unit ? ` ${unit}` : ''}`;
    })
    .join('; ');
}
