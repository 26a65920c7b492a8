import type { RecordStore } from './recordStore.ts';
import { parseRunId } from './runId.ts';
import { type RunRecord, readRecord } from './runRecord.ts';
import { withParts } from './sumOfParts.ts';

/** A run is given up this long after it was queued: whoever asked has asked again, or forgotten it. */
export const longestWaitMs = 24 * 3_600_000;

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
  const [kept, record] = await Promise.all([records.readState(keyOf(runId)), records.getRun(runId)]);
  const pending = stillPending(readRecord(kept), now);
  if (!record) return pending;
  if (pending && pending.outcome !== 'failed' && record.outcome !== 'succeeded')
    return { ...record, outcome: pending.outcome };
  return withParts(records, record, now);
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
