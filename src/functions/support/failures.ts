import type { ErrorReport } from '../../lib/errors.ts';

export interface Failure {
  subject: string;
  error: ErrorReport;
}

/** A line for each reason, with all caches or rings that failed for it. */
export function describeFailures(failures: readonly Failure[]): string[] {
  const reasons = Map.groupBy(failures, ({ error }) => `${error.code}: ${error.message} ${error.advice}`);
  return [...reasons].map(([reason, failed]) => `${failed.map(({ subject }) => subject).join(', ')}: ${reason}`);
}
