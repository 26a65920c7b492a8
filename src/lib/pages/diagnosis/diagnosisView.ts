import { type CheckStatus, type Evidence, statusOrder } from '../../checks/check.ts';
import type { DiagnosisReport } from '../../checks/diagnosisReport.ts';
import { timeText } from '../status/wording.ts';

const headlines: Record<CheckStatus, string> = {
  critical: 'Causes found',
  warning: 'Look by day',
  unknown: 'Not all could be looked at',
  pass: 'Nothing found',
};

export type DiagnosisView = ReturnType<typeof diagnosisView>;

/** What terminal and page show of a diagnosis, in words; the report itself is the JSON. */
export function diagnosisView({ status, at, counts, checks }: DiagnosisReport) {
  const { pass: passed = [], ...others } = Object.groupBy(checks, (check) =>
    check.status === 'pass' ? 'pass' : 'trouble',
  );
  return {
    status,
    headline: headlines[status],
    at: timeText(at),
    counts: statusOrder.map((each) => `${counts[each]} ${each}`).join(', '),
    // All that did not pass, the worst first.
    troubles: (others.trouble ?? []).map((check) => ({ ...check, evidenceText: evidenceText(check.evidence) })),
    passed: [...Map.groupBy(passed, ({ subject }) => subject)].map(([subject, each]) => ({ subject, checks: each })),
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
