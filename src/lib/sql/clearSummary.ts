import type { ClearPlan, ClearReport } from './clearReport.ts';
import { countText, numberText } from './summaries.ts';

/** One line about a clear, for a log or a terminal. */
export function summarizeClear(report: ClearReport | ClearPlan): string {
  if (report.dryRun)
    return `dry run, would delete ${countText(report.wouldDelete)} entries, ${countText(report.active)} of them alive`;
  const left = report.remaining ? `, ${countText(report.remaining)} left or new` : '';
  return `${report.stopReason}, ${numberText(report.deleted)} entries deleted in ${report.batches} batches${left}`;
}
