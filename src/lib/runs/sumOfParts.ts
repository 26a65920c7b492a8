import { formatDuration, parseDuration } from '../durations.ts';
import { endOf } from './history.ts';
import type { RecordStore } from './recordStore.ts';
import { readTold } from './runningState.ts';
import type { RunRecord } from './runRecord.ts';
import { addUp, lostIn } from './tries.ts';

/** A part that was queued this long ago and left no record is lost, or waits for a place at a busy server. */
const lostAfterMs = 3_600_000;

type Purge = RunRecord<'purge'>;

/** A purge with its parts as one run, seen at `now`; any other run as it is. */
export async function withParts(records: RecordStore, run: RunRecord, now: Date): Promise<RunRecord> {
  if (run.job !== 'purge' || run.first !== undefined) return run;
  const parts = [run];
  for (let { next } = run; next !== undefined; ) {
    const part = await records.getRun(next);
    if (part?.job !== 'purge') break;
    parts.push(part);
    next = part.next;
  }
  return sumOfParts(await withLastTry(records, parts), now);
}

/** The records, with those of one purge put together at the place of its newest part. Newest first, as they came. */
export function joinParts<R extends RunRecord>(runs: readonly R[], now: Date): R[] {
  return chainsOf(runs).map((chain) => joined(chain, now));
}

/** As {@link joinParts}; parts that are older than the records given are read. */
export async function joinAllParts(records: RecordStore, runs: readonly RunRecord[], now: Date): Promise<RunRecord[]> {
  return Promise.all(
    chainsOf(runs).map(async (chain) => {
      const id = chain[0]?.first;
      const isCut = id !== undefined && chain.every(({ runId }) => runId !== id);
      const head = isCut ? await records.getRun(id) : undefined;
      if (head) return withParts(records, head, now);
      return chain[0]?.job === 'purge'
        ? sumOfParts(await withLastTry(records, chain as Purge[]), now)
        : joined(chain, now);
    }),
  );
}

/** A part that did not end well may have been tried again by an instance that died, and then by nobody. */
async function withLastTry(records: RecordStore, parts: Purge[]): Promise<Purge[]> {
  return Promise.all(
    parts.map(async (part) => {
      const isOver = part.outcome === 'succeeded' || part.outcome === 'refused' || part.next !== undefined;
      return isOver || part.part === undefined
        ? part
        : { ...part, ...lostIn(part, await readTold(records, part.runId)) };
    }),
  );
}

function chainsOf<R extends RunRecord>(runs: readonly R[]): R[][] {
  return [...Map.groupBy(runs, ({ runId, first }) => first ?? runId).values()];
}

function joined<R extends RunRecord>(chain: R[], now: Date): R {
  return chain[0]?.job === 'purge' ? (sumOfParts(chain as Purge[], now) as R) : (chain[0] as R);
}

/**
 * One run from the records of its parts: what was done is the sum, what is left and why it stopped is the last part's, how it
 * began the first's. Says `incomplete` where a part is not known, or an instance died in one.
 */
export function sumOfParts(parts: readonly Purge[], now: Date): Purge {
  const inOrder = [...parts].sort((a, b) => (a.part ?? 1) - (b.part ?? 1));
  const [head] = inOrder;
  // A part that found another run at work did nothing.
  const last = inOrder.findLast(({ outcome }) => outcome !== 'skipped') ?? head;
  if (!head || !last) throw new RangeError('a run has one part at least');
  if (head.part === undefined) return head;
  const isMissing = inOrder.some(({ part }, index) => part !== index + 1);
  const isOverdue = last.next !== undefined && now.getTime() - endOf(last) > lostAfterMs;
  const losses = inOrder.flatMap(({ lost }) => lost ?? []);
  const lost = losses.reduce((sum, entries) => sum + entries, 0);
  const reports = inOrder.flatMap(({ report }) => (report && !report.dryRun ? report : []));
  const report = reports.length > 0 ? reports.reduce(addUp) : undefined;
  const { first: _first, part: _part, next: _next, lost: _lost, error: _error, ...record } = head;
  return {
    ...record,
    runId: head.first ?? head.runId,
    duration: formatDuration(inOrder.reduce((sum, { duration }) => sum + (parseDuration(duration) ?? 0), 0)),
    outcome: last.next !== undefined && !isOverdue ? 'running' : last.outcome,
    parts: inOrder.length,
    ...((isMissing || isOverdue || losses.length > 0) && { incomplete: true }),
    ...(report && { report: { ...report, deleted: report.deleted + lost } }),
    ...(!report && losses.length > 0 && { lost }),
    ...(last.error && { error: last.error }),
  };
}
