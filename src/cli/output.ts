import Table from 'cli-table3';
import type { RunResult } from '../lib/runs/runJob.ts';
import type { CountsReport } from '../lib/sqlCache/counts.ts';
import type { IndexReport } from '../lib/sqlCache/ensureExpiryIndex.ts';
import type { PurgePlan, PurgeReport } from '../lib/sqlCache/purgeReport.ts';
import { ageText, countText, numberText, summarizeIndex } from '../lib/sqlCache/summaries.ts';

type Row = [string, string];

/** A result for people, on stdout; a failure on stderr. */
export function printReport({ job, cache, report, error, runId, duration }: RunResult<object>): void {
  if (error) {
    console.error(`${job} ${cache} failed (${error.code}): ${error.message}\n${error.advice}`);
    return;
  }
  const rows = rowsOf(job, report as object);
  console.log(`${job} ${cache}`);
  console.log(plainTable([...rows, ['took', ageText(duration)], ['run', runId]]));
}

/** A table without lines, so that it can be cut and compared. */
export function plainTable(rows: string[][]): string {
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((part) => [part, '']),
  );
  const table = new Table({
    chars: { ...none, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, border: [], head: [] },
  });
  table.push(...rows);
  return table.toString();
}

function rowsOf(job: string, report: object): Row[] {
  switch (job) {
    case 'purge': {
      const purge = report as PurgeReport | PurgePlan;
      return purge.dryRun ? planRows(purge) : purgeRows(purge);
    }
    case 'index':
      return [['index', summarizeIndex(report as IndexReport)]];
    default:
      return countRows(report as CountsReport);
  }
}

function purgeRows(report: PurgeReport): Row[] {
  const { before, after } = report.oldestExpiredAge;
  return [
    ['table', report.table],
    ['stopped', report.stopReason],
    ['deleted', `${numberText(report.deleted)} entries that expired before ${report.cutoff}`],
    ['batches', batchText(report)],
    ['expired left', report.expiredRemaining ? countText(report.expiredRemaining) : 'unknown'],
    ['locked by apps', numberText(report.skippedLocked)],
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
    ['index', plan.index],
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
  ];
}

function sizeText(size: CountsReport['entrySize']): string {
  return size
    ? `p50 ${bytesText(size.p50)}, p95 ${bytesText(size.p95)}, max ${bytesText(size.max)} (${numberText(size.sampled)} sampled)`
    : 'unknown';
}

/** `4.1 kB`, `552 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
