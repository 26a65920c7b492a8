import { formatDuration, parseDuration } from '../durations.ts';
import type { PurgeReport } from '../sql/purgeReport.ts';
import { endOf } from './history.ts';
import type { RecordStore } from './recordStore.ts';
import type { RunRecord } from './runRecord.ts';

/** A part that was queued this long ago and left no record is lost: the longest wait and the longest run are shorter. */
const lostAfterMs = 3_600_000;
/** As many warnings as a record shows. */
const mostWarnings = 50;
/** Parts that are looked for among the newest runs: as many as continue in a day by default, twice. */
const mostParts = 500;

/** A purge with its parts as one run, seen at `now`; any other run as it is. */
export async function withParts(records: RecordStore, run: RunRecord, now: Date): Promise<RunRecord> {
  if (run.job !== 'purge' || run.first !== undefined || !run.goesOn) return run;
  const newest = await records.latestRuns('purge', run.subject, mostParts);
  return sumOfParts([run, ...newest.filter(({ first }) => first === run.runId)], now);
}

/** The records, with those of one purge put together at the place of its newest part. Newest first, as they came. */
export function joinParts<R extends RunRecord>(runs: readonly R[], now: Date): R[] {
  const chains = Map.groupBy(runs, ({ runId, first }) => first ?? runId);
  return [...chains.values()].map((chain) =>
    chain[0]?.job === 'purge' ? (sumOfParts(chain as RunRecord<'purge'>[], now) as R) : (chain[0] as R),
  );
}

/**
 * One run from the records of its parts: what was done is the sum, what is left and why it stopped is the last part's, how it
 * began the first's. Says `incomplete` where a part left no record.
 */
export function sumOfParts(parts: readonly RunRecord<'purge'>[], now: Date): RunRecord<'purge'> {
  const inOrder = [...parts].sort((a, b) => (a.part ?? 1) - (b.part ?? 1));
  const [head] = inOrder;
  // A part that found another run at work did nothing.
  const last = inOrder.findLast(({ outcome }) => outcome !== 'skipped') ?? head;
  if (!head || !last) throw new RangeError('a run has one part at least');
  if (inOrder.length === 1 && !last.goesOn && head.part === undefined) return head;
  const missing = inOrder.some(({ part = 1 }, index) => part !== index + 1);
  const overdue = last.goesOn === true && now.getTime() - endOf(last) > lostAfterMs;
  const lost = inOrder.reduce((sum, part) => sum + (part.lost ?? 0), 0);
  const report = inOrder
    .flatMap(({ report }) => (report && !report.dryRun ? report : []))
    .reduce<PurgeReport | undefined>(addUp, undefined);
  const { first: _first, part: _part, goesOn: _goesOn, lost: _lost, report: own, error: _error, ...record } = head;
  return {
    ...record,
    runId: head.first ?? head.runId,
    duration: formatDuration(inOrder.reduce((sum, { duration }) => sum + (parseDuration(duration) ?? 0), 0)),
    outcome: last.goesOn && !overdue ? 'running' : last.outcome,
    parts: inOrder.length,
    ...((missing || overdue || lost > 0) && { incomplete: true }),
    ...(report ? { report: { ...report, deleted: report.deleted + lost } } : own && { report: own }),
    ...(last.error && { error: last.error }),
  };
}

/** The median batch time is the mean of the parts' medians, weighted by their batches. */
function addUp(sum: PurgeReport | undefined, part: PurgeReport): PurgeReport {
  if (!sum) return part;
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

const total = (a: string, b: string) => formatDuration((parseDuration(a) ?? 0) + (parseDuration(b) ?? 0));
const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

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
