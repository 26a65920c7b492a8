import type { RecordStore, RunRecord } from './recordStore.ts';
import { parseRunId } from './runId.ts';

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
 * A run by its id, done or not. Between two tries it is pending, whatever the record of the last one says. The id may be
 * anybody's text: what is none is not looked for, as the storage refuses keys that are too long.
 */
export async function findRun(records: RecordStore, runId: string): Promise<RunRecord | undefined> {
  if (!parseRunId(runId)) return undefined;
  const [pending, record] = await Promise.all([records.readState(keyOf(runId)), records.getRun(runId)]);
  if (!isRun(pending) || record?.outcome === 'succeeded') return record;
  return record ? { ...record, outcome: pending.outcome } : pending;
}

function isRun(value: unknown): value is RunRecord {
  return typeof value === 'object' && value !== null && 'runId' in value && 'outcome' in value;
}
