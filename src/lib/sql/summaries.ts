import { humanDuration, parseDuration } from '../durations.ts';
import { countOf } from '../wording.ts';
import type { KeptRows } from './cacheTable.ts';
import type { ClearPlan, ClearReport } from './clearReport.ts';
import type { CountsReport } from './counts.ts';
import type { IndexOutcome, IndexReport } from './ensureExpiryIndex.ts';
import type { EntryCount } from './estimate.ts';
import type { PurgePlan, PurgeReport } from './purgeReport.ts';

/** One line about a report, for a log or a terminal. */
export function summarizePurge(report: PurgeReport | PurgePlan): string {
  if (report.dryRun) {
    return `dry run, would delete ${countText(report.wouldDelete)} expired entries in about ${countOf(report.batches, 'batch', 'batches')}`;
  }
  const left = report.expiredRemaining ? `, ${countText(report.expiredRemaining)} expired left` : '';
  const parts = [
    ...(report.skippedLocked > 0 ? [`${report.skippedLocked} locked by apps`] : []),
    ...(report.kept.length > 0 ? [keptText(report.kept)] : []),
  ];
  const locked = parts.length > 0 ? ` (${parts.join(', ')})` : '';
  return `${report.stopReason}, ${numberText(report.deleted)} expired entries deleted in ${countOf(report.batches, 'batch', 'batches')}${left}${locked}`;
}

/** How many entries the database keeps; of hidden ones that there are some. */
export function keptText(kept: readonly KeptRows[]): string {
  const entries = kept.reduce((sum, rows) => sum + (rows.entries ?? 0), 0);
  const hidden = kept.some((rows) => rows.entries === null);
  return [
    ...(entries > 0 ? [`${numberText(entries)} kept by the database`] : []),
    ...(hidden ? ['others hidden'] : []),
  ].join(', ');
}

export function summarizeClear(report: ClearReport | ClearPlan): string {
  if (report.dryRun)
    return `dry run, would delete ${countText(report.wouldDelete)} entries, ${countText(report.active)} of them alive`;
  const left = report.remaining ? `, ${countText(report.remaining)} left or new` : '';
  return `${report.stopReason}, ${numberText(report.deleted)} entries deleted in ${countOf(report.batches, 'batch', 'batches')}${left}`;
}

export function summarizeIndex({ outcome, name, percent, phase }: IndexReport): string {
  const progress = percent === null ? '' : `, ${percent} %`;
  return `expiry index ${indexText(outcome)}${progress}${phase ? ` (${phase})` : ''}${name ? `: ${name}` : ''}`;
}

export function indexText(outcome: IndexOutcome): string {
  return outcome === 'wouldBuild' ? 'would be built' : outcome;
}

export function summarizeCounts(report: CountsReport): string {
  const oldest = report.oldestExpiredAge ? `, oldest expired ${ageText(report.oldestExpiredAge)} ago` : '';
  const undated = report.undated.count > 0 ? `, ${countText(report.undated)} without an expiry` : '';
  return `${countText(report.entries)} entries, ${countText(report.expired)} expired, ${countText(report.active)} active${undated}${oldest}`;
}

export function numberText(value: number): string {
  return value.toLocaleString('en-US');
}

/** An estimate is marked: `~1,200,000`. */
export function countText({ count, estimated }: EntryCount): string {
  return `${estimated ? '~' : ''}${numberText(count)}`;
}

export function ageText(iso: string): string {
  return humanDuration(parseDuration(iso) ?? 0);
}
