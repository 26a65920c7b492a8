import {
  type Check,
  type CheckStatus,
  type Evidence,
  type Outcome,
  type Symptom,
  statusOrder,
  symptoms,
} from './check.ts';

/** One check's result, for terminal, JSON and page alike. */
export interface CheckReport {
  check: string;
  subject: string;
  symptom: string;
  status: CheckStatus;
  cause: string | null;
  summary: string;
  evidence: Evidence[];
  remedy: string | null;
  /** Where docs/operations.md has more. */
  section: string;
  milliseconds: number;
}

export interface DiagnosisReport {
  at: string;
  /** The gravest of the results. */
  status: CheckStatus;
  counts: Record<CheckStatus, number>;
  /** The gravest first; among equals in the order of subjects and checks. */
  checks: CheckReport[];
  /** Of this tool and of Node.js. */
  versions: Record<string, string>;
}

export function checkReport(
  { id, symptom }: Pick<Check<never>, 'id' | 'symptom'>,
  subject: string,
  { status, cause, summary, evidence, remedy }: Outcome,
  milliseconds: number,
): CheckReport {
  return {
    check: id,
    subject,
    symptom: symptoms[symptom].title,
    status,
    cause,
    summary,
    evidence,
    remedy,
    section: sectionOf(symptom),
    milliseconds: Math.round(milliseconds),
  };
}

export function sectionOf(symptom: Symptom): string {
  return `docs/operations.md#${symptoms[symptom].section}`;
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

/** `3 fail, 1 warn, 24 pass`. */
export function summarizeDiagnosis({ counts, checks }: DiagnosisReport): string {
  const parts = statusOrder.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${status}`);
  const named = checks.filter(({ status }) => status === 'fail').map(({ check, cause }) => `${check} (${cause})`);
  return `${parts.join(', ') || 'nothing was checked'}${named.length > 0 ? `: ${named.join(', ')}` : ''}`;
}
