import type { JobName } from './catalogue.ts';
import { newestFirst } from './history.ts';
import type { RecordStore } from './recordStore.ts';
import { parseRunId } from './runId.ts';
import { type RunRecord, readRecord } from './runRecord.ts';
import { joinAllParts, withParts } from './sumOfParts.ts';

/** A run is given up this long after it was queued: whoever asked has asked again, or forgotten it. */
export const longestWaitMs = 24 * 3_600_000;

/** Records that are read at most for a list of runs. */
const mostRecords = 1_000;

const keyOf = (runId: string) => `pending|${runId}`;

/**
 * What is told of a run that somebody asked for and that is not done yet: queued, running, or between two tries. It stands
 * beside the run records, which hold what was done.
 */
export async function keepPending(records: RecordStore, run: RunRecord): Promise<void> {
  await records.writeState(keyOf(run.runId), run);
}

export async function forgetPending(records: RecordStore, runId: string): Promise<void> {
  await records.writeState(keyOf(runId), undefined);
}

/**
 * A run by its id, done or not, with the parts of a purge added up. Between two tries it is pending, whatever the record of
 * the last one says. The id may be anybody's text: what is not a run id is not looked for, as the storage refuses keys that
 * are too long.
 */
export async function findRun(records: RecordStore, runId: string, now: Date): Promise<RunRecord | undefined> {
  if (!parseRunId(runId)) return undefined;
  const [pending, record] = await Promise.all([readPending(records, runId, now), records.getRun(runId)]);
  if (!record) return pending;
  const run = await withParts(records, record, now);
  return between(run, pending) ?? run;
}

/** The newest runs of a job on a subject, the parts of a purge as one; each as {@link findRun} gives it. */
export async function listRuns(
  records: RecordStore,
  job: JobName,
  subject: string,
  count: number,
  now: Date,
): Promise<RunRecord[]> {
  const runs = await latestWhole(records, job, subject, count, now);
  return Promise.all(
    runs.map(async (run) => (mayBePending(run) && between(run, await readPending(records, run.runId, now))) || run),
  );
}

/** So many runs, by when they began, however many records the parts of one are. */
async function latestWhole(records: RecordStore, job: JobName, subject: string, count: number, now: Date) {
  for (let asked = count; ; asked = Math.min(asked * 4, mostRecords)) {
    const found = await records.latestRuns(job, subject, asked);
    const runs = (await joinAllParts(records, found, now)).sort(newestFirst).slice(0, count);
    const [last, oldest] = [runs[count - 1], found.sort(newestFirst).at(-1)];
    // A run that began before all that is read may not be the next one.
    const isWhole = last && oldest && newestFirst(last, oldest) <= 0;
    if (isWhole || found.length < asked || asked >= mostRecords) return runs;
  }
}

/** Only what somebody asked for is told of while it waits. */
const mayBePending = ({ trigger, queuedAt, outcome }: RunRecord) =>
  trigger === 'http' && queuedAt !== undefined && outcome !== 'succeeded';

async function readPending(records: RecordStore, runId: string, now: Date): Promise<RunRecord | undefined> {
  return stillPending(readRecord(await records.readState(keyOf(runId))), now);
}

/** A run between two tries, or in a further one: with what it did so far, and without the error of its last try. */
function between(record: RunRecord, pending: RunRecord | undefined): RunRecord | undefined {
  if (!pending || pending.outcome === 'failed' || record.outcome === 'succeeded') return undefined;
  const { error: _, ...run } = record;
  return { ...run, outcome: pending.outcome } as RunRecord;
}

/** One whose instance died in each of its tries tells nobody. */
function stillPending(run: RunRecord | undefined, now: Date): RunRecord | undefined {
  if (!run || now.getTime() - Date.parse(run.queuedAt ?? run.startedAt) <= longestWaitMs) return run;
  const error = {
    code: 'run_lost',
    message: 'The run was given up: it was not done within a day.',
    advice: 'Look for its message with `token-cache queue list`; else ask for it again.',
  };
  return { ...run, outcome: 'failed', error };
}
