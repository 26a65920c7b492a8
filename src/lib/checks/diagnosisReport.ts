import { z } from 'zod';
import { runbookFolder } from '../runbook.ts';
import { type Check, type CheckStatus, checkStatus, type Outcome, outcome, statusOrder, symptoms } from './check.ts';

/** The cause of a check that was stopped before it had ended. */
export const stoppedCheck = 'run_aborted';

/** One check's result, for terminal, JSON and page alike. */
const checkResult = outcome.extend({
  check: z.string(),
  subject: z.string(),
  symptom: z.string(),
  section: z.string().meta({ description: 'The section of the runbook that says more.' }),
  milliseconds: z.int(),
});
export type CheckReport = z.infer<typeof checkResult>;

export const diagnosis = z
  .object({
    at: z.iso.datetime(),
    status: checkStatus.meta({ description: 'The worst of the results.' }),
    counts: z.record(checkStatus, z.int()),
    checks: z
      .array(checkResult)
      .meta({ description: 'The worst first; among equals in the order of subjects and checks.' }),
    versions: z.record(z.string(), z.string()).meta({ description: 'This tool and Node.js.' }),
  })
  .meta({ id: 'Diagnosis' });
export type DiagnosisReport = z.infer<typeof diagnosis>;

const earlierStatus = z
  .enum(['fail', 'warn', 'unknown', 'pass'])
  .transform((status) => (status === 'fail' ? 'critical' : status === 'warn' ? 'warning' : status));
const earlierReport = z.looseObject({
  status: earlierStatus,
  counts: z.record(z.string(), z.number()),
  checks: z.array(z.looseObject({ status: earlierStatus, summary: z.string(), remedy: z.string().nullable() })),
});

/** A report of an earlier version in the present shape; undefined where the report is not one. */
export function earlier(report: unknown): unknown {
  const { data } = earlierReport.safeParse(report);
  if (!data) return undefined;
  const { fail, warn, ...counts } = data.counts;
  return {
    ...data,
    counts: { critical: fail, warning: warn, ...counts },
    checks: data.checks.map(({ summary, remedy, ...check }) => ({ ...check, what: summary, advice: remedy })),
  };
}

export function checkReport(
  { id, symptom }: Pick<Check<never>, 'id' | 'symptom'>,
  subject: string,
  found: Outcome,
  milliseconds: number,
): CheckReport {
  const { title, page } = symptoms[symptom];
  return {
    check: id,
    subject,
    symptom: title,
    ...found,
    section: `${runbookFolder}/${page}.md#${title.toLowerCase().replaceAll(' ', '-')}`,
    milliseconds: Math.round(milliseconds),
  };
}

export function diagnosisReport(
  at: Date,
  checks: readonly CheckReport[],
  versions: Record<string, string>,
): DiagnosisReport {
  const sorted = [...checks].sort((a, b) => statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status));
  const counts = Object.fromEntries(
    statusOrder.map((status) => [status, checks.filter((check) => check.status === status).length]),
  ) as Record<CheckStatus, number>;
  return { at: at.toISOString(), status: sorted[0]?.status ?? 'unknown', counts, checks: sorted, versions };
}

/** `3 critical, 1 warning, 24 pass`. */
export function summarizeDiagnosis({ counts, checks }: DiagnosisReport): string {
  const parts = statusOrder.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${status}`);
  const named = checks.filter(({ status }) => status === 'critical').map(({ check, cause }) => `${check} (${cause})`);
  return `${parts.join(', ') || 'nothing was checked'}${named.length > 0 ? `: ${named.join(', ')}` : ''}`;
}
