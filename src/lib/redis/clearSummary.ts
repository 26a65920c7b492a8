import { countOf } from '../wording.ts';
import type { RedisClearPlan, RedisClearReport } from './clearReport.ts';

/** One line about a clear, for a log or a terminal. */
export function summarizeRedisClear(report: RedisClearReport | RedisClearPlan): string {
  const passedOver = report.passedOver > 0 ? `, ${countOf(report.passedOver, 'other key')} passed over` : '';
  if (report.dryRun) {
    const { count, estimated } = report.wouldDelete;
    return `dry run, would delete ${estimated ? '~' : ''}${countOf(count, 'entry', 'entries')}${passedOver}`;
  }
  const left = report.remaining ? `, ${report.remaining.count.toLocaleString('en-US')} new` : '';
  return `${report.stopReason}, ${countOf(report.deleted, 'entry', 'entries')} deleted${left}${passedOver}`;
}
