import type { RedisClearPlan, RedisClearReport } from './clearReport.ts';

/** One line about a clear, for a log or a terminal. */
export function summarizeRedisClear(report: RedisClearReport | RedisClearPlan): string {
  const passedOver = report.passedOver > 0 ? `, ${report.passedOver} other keys passed over` : '';
  if (report.dryRun) {
    const { count, estimated } = report.wouldDelete;
    return `dry run, would delete ${estimated ? '~' : ''}${count} entries${passedOver}`;
  }
  const left = report.remaining ? `, ${report.remaining.count} new` : '';
  return `${report.stopReason}, ${report.deleted} entries deleted${left}${passedOver}`;
}
