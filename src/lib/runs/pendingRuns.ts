import type { RecordStore } from './recordStore.ts';
import { parseRunId } from './runId.ts';
import { type RunRecord, readRecord } from './runRecord.ts';
import { withParts } from './sumOfParts.ts';

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
  const pending = readRecord(kept);
  if (!record) return pending;
  if (pending && record.outcome !== 'succeeded') return { ...record, outcome: pending.outcome };
  return withParts(records, record, now);
}
