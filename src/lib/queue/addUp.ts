import { formatDuration, parseDuration } from '../durations.ts';
import type { PurgePlan, PurgeReport } from '../sqlCache/purgeReport.ts';

type Report = PurgeReport | PurgePlan;

/** As many warnings as a record shows. */
const mostWarnings = 50;

/**
 * The report of a run that is made of parts: what was done is the sum, what is left and why it stopped is the last part's,
 * how it began the first's. The median batch time is the mean of the parts' medians, weighted by their batches.
 */
export function addUp(sum: unknown, part: Report): Report {
  if (part.dryRun || !isReport(sum)) return part;
  return {
    ...part,
    deleted: sum.deleted + part.deleted,
    batches: sum.batches + part.batches,
    batchTime: batchTimes(sum, part),
    oldestExpiredAge: { before: sum.oldestExpiredAge.before, after: part.oldestExpiredAge.after },
    duration: total(sum.duration, part.duration),
    retries: sum.retries + part.retries,
    unansweredBatches: sum.unansweredBatches + part.unansweredBatches,
    waits: {
      pauses: total(sum.waits.pauses, part.waits.pauses),
      load: total(sum.waits.load, part.waits.load),
      loadReasons: union(sum.waits.loadReasons, part.waits.loadReasons),
    },
    warnings: union(sum.warnings, part.warnings).slice(-mostWarnings),
  };
}

/** Adds what instances that died had told of the entries they deleted. */
export function addDeletedBefore(report: Report, deleted: number): Report {
  if (report.dryRun || deleted === 0) return report;
  return {
    ...report,
    deleted: report.deleted + deleted,
    warnings: union(report.warnings, [
      'An instance ended in mid-run, and another went on: what it deleted in its last 2 seconds is not counted.',
    ]),
  };
}

/** The same of two ISO 8601 durations. */
export function total(a: string, b: string): string {
  return formatDuration((parseDuration(a) ?? 0) + (parseDuration(b) ?? 0));
}

function batchTimes(a: PurgeReport, b: PurgeReport): PurgeReport['batchTime'] {
  if (!a.batchTime || !b.batchTime) return a.batchTime ?? b.batchTime;
  const ms = (text: string) => parseDuration(text) ?? 0;
  const median = (a.batches * ms(a.batchTime.median) + b.batches * ms(b.batchTime.median)) / (a.batches + b.batches);
  return {
    min: formatDuration(Math.min(ms(a.batchTime.min), ms(b.batchTime.min))),
    median: formatDuration(median),
    max: formatDuration(Math.max(ms(a.batchTime.max), ms(b.batchTime.max))),
  };
}

const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

/** A record may have been cut for its size; the sum then begins anew. */
function isReport(value: unknown): value is PurgeReport {
  return typeof value === 'object' && value !== null && 'dryRun' in value && value.dryRun === false && 'waits' in value;
}
