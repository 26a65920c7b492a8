import { formatDuration, parseDuration } from '../durations.ts';
import type { PurgeReport } from '../sql/purgeReport.ts';
import type { ToldRun } from './runningState.ts';
import type { RunRecord } from './runRecord.ts';

type Purge = RunRecord<'purge'>;

/** As many warnings as a record shows. */
const mostWarnings = 50;

/** The report of a purge that was not a dry run. */
function realReport(run: Purge | undefined): PurgeReport | undefined {
  return run?.report && !run.report.dryRun ? run.report : undefined;
}

/** Entries that all tries of a purge deleted, as far as they told. */
export function deletedBy(run: Purge | undefined): number {
  return (run?.lost ?? 0) + (realReport(run)?.deleted ?? 0);
}

/** What the tries of a run lost whose instances died: those that its record knows, and one that told what it had done. */
export function lostIn(own: Purge | undefined, told: ToldRun | undefined): Pick<Purge, 'lost'> {
  if (!told) return own?.lost === undefined ? {} : { lost: own.lost };
  return { lost: Math.max(own?.lost ?? 0, told.deleted - (realReport(own)?.deleted ?? 0)) };
}

/** A try's record, with the report of those before it, whose record it replaces. */
export function withTries(run: Purge, own: Purge | undefined): Purge {
  const before = own?.outcome === 'skipped' ? undefined : realReport(own);
  if (!before) return run;
  const report = realReport(run);
  return { ...run, report: report ? addUp(before, report) : before };
}

/**
 * The record after two deliveries of one message held the table in turn, the first having lost its lock without knowing:
 * that of the later one, in which the other's work counts as lost.
 * @param own what both found when they began
 */
export function withOtherDelivery(run: Purge, other: Purge, own: Purge | undefined): Purge {
  if (other.outcome === 'skipped' || !realReport(other)) return run;
  const [earlier, later] = other.startedAt > run.startedAt ? [run, other] : [other, run];
  const lost = Math.max(later.lost ?? 0, deletedBy(earlier) - (realReport(own)?.deleted ?? 0));
  return { ...later, lost, ...(other.next !== undefined && { next: other.next }) };
}

/** What two parts, or tries, did together. The median batch time is the mean of the parts' medians, weighted by their batches. */
export function addUp(sum: PurgeReport, part: PurgeReport): PurgeReport {
  return {
    ...part,
    deleted: sum.deleted + part.deleted,
    batches: sum.batches + part.batches,
    batchTime: batchTimes(sum, part),
    oldestExpiredAge: {
      before: sum.oldestExpiredAge.before ?? part.oldestExpiredAge.before,
      after: part.oldestExpiredAge.after,
    },
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

const total = (a: string, b: string) => formatDuration((parseDuration(a) ?? 0) + (parseDuration(b) ?? 0));
const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

function batchTimes(a: PurgeReport, b: PurgeReport): PurgeReport['batchTime'] {
  if (!a.batchTime || !b.batchTime) return a.batchTime ?? b.batchTime;
  const ms = (text: string) => parseDuration(text) ?? 0;
  // Not all that stands in a record is sound: its figures are shown, and stop no judge.
  const [ofA, ofB] = [Math.max(0, a.batches), Math.max(0, b.batches)];
  const median = (ofA * ms(a.batchTime.median) + ofB * ms(b.batchTime.median)) / Math.max(1, ofA + ofB);
  return {
    min: formatDuration(Math.min(ms(a.batchTime.min), ms(b.batchTime.min))),
    median: formatDuration(median),
    max: formatDuration(Math.max(ms(a.batchTime.max), ms(b.batchTime.max))),
  };
}
