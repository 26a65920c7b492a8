import type { AppPurge } from '../lib/sql/cacheTable.ts';
import type { CountsReport } from '../lib/sql/counts.ts';
import type { IndexReport } from '../lib/sql/ensureExpiryIndex.ts';
import type { PurgePlan, PurgeReport } from '../lib/sql/purgeReport.ts';
import { ageText, countText, indexText, keptText, numberText, summarizeIndex } from '../lib/sql/summaries.ts';
import { bytesText, countOf } from '../lib/wording.ts';
import type { Row } from './output.ts';

/** The reports of the SQL cache jobs, as lines for people. */

export function purgeRows(report: PurgeReport | PurgePlan): Row[] {
  return report.dryRun ? planRows(report) : doneRows(report);
}

export function indexRows(report: IndexReport): Row[] {
  return [['index', summarizeIndex(report)], ...(report.statement ? [['statement', report.statement] as Row] : [])];
}

function doneRows(report: PurgeReport): Row[] {
  const { before, after } = report.oldestExpiredAge;
  return [
    ['table', report.table],
    ['stopped', report.stopReason],
    ...(report.heldBy ? [['held by', report.heldBy] as Row] : []),
    ['deleted', `${numberText(report.deleted)} entries that expired before ${report.cutoff}`],
    ['batches', batchText(report)],
    ['expired left', report.expiredRemaining ? countText(report.expiredRemaining) : 'unknown'],
    ['locked by apps', numberText(report.skippedLocked)],
    ...(report.kept.length > 0 ? [['kept', keptText(report.kept)] as Row] : []),
    ...report.kept.map(({ cause, advice }): Row => ['', `${cause} ${advice}`]),
    ['oldest expired', `${before ? ageText(before) : 'none'} before, ${after ? ageText(after) : 'none'} after`],
    ['index', `${report.index}, rows taken in order of ${report.way}`],
    ['waited', `${ageText(report.waits.pauses)} in pauses, ${ageText(report.waits.load)} for the database`],
    ['retries', String(report.retries)],
  ];
}

function batchText({ batches, batchTime, batchSize }: PurgeReport): string {
  if (!batchTime) return String(batches);
  return `${batches} of ${ageText(batchTime.min)} to ${ageText(batchTime.max)}, median ${ageText(batchTime.median)}; last size ${batchSize}`;
}

function planRows(plan: PurgePlan): Row[] {
  return [
    ['table', plan.table],
    ['would delete', `${countText(plan.wouldDelete)} entries that expired before ${plan.cutoff}`],
    ['oldest expired', plan.oldestExpiredAge ? ageText(plan.oldestExpiredAge) : 'none'],
    ['entry sizes', sizeText(plan.entrySize)],
    ['would free', plan.wouldFreeBytes === null ? 'unknown' : bytesText(plan.wouldFreeBytes)],
    ['would take', `about ${numberText(plan.batches)} batches, ${ageText(plan.duration)}`],
    ['index', indexText(plan.index)],
    ['statement', plan.statement],
  ];
}

export function countRows(report: CountsReport): Row[] {
  return [
    ['table', report.table],
    ['entries', countText(report.entries)],
    ['expired', countText(report.expired)],
    ['active', countText(report.active)],
    ['expire within an hour', countText(report.expiringWithinHour)],
    ['oldest expired', report.oldestExpiredAge ? ageText(report.oldestExpiredAge) : 'none'],
    ['data', report.dataBytes === null ? 'unknown' : bytesText(report.dataBytes)],
    ['indexes', report.indexBytes === null ? 'unknown' : bytesText(report.indexBytes)],
    ['entry sizes', sizeText(report.entrySize)],
    ["app's own purge", appPurgeText(report.appPurge)],
  ];
}

function appPurgeText(finding: AppPurge): string {
  if (finding.state === 'unknown') return `unknown: ${finding.reason}`;
  if (finding.state === 'notSeen') return 'not seen in the statistics of statements';
  if (finding.state === 'counted')
    return `${countOf(finding.runs, 'run', 'runs')} counted, the longest of ${ageText(finding.longest)}`;
  return `${finding.state}, last at ${finding.lastRunAt}, ${ageText(finding.lastDuration)}, ${finding.lastOutcome}`;
}

function sizeText(size: CountsReport['entrySize']): string {
  return size
    ? `p50 ${bytesText(size.p50)}, p95 ${bytesText(size.p95)}, max ${bytesText(size.max)} (${numberText(size.sampled)} sampled)`
    : 'unknown';
}
