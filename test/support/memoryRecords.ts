import type { RecordStore } from '../../src/lib/runs/recordStore.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';

/** Records in memory: what is kept is what JSON keeps of it. */
export interface MemoryRecords extends RecordStore {
  readonly states: Map<string, string>;
  readonly runs: RunRecord[];
}

export function memoryRecords(): MemoryRecords {
  const states = new Map<string, string>();
  const runs: RunRecord[] = [];
  return {
    description: 'memory',
    states,
    runs,
    addRun: async (record) => void runs.unshift(record),
    getRun: async (runId) => runs.find((run) => run.runId === runId),
    latestRuns: async (job, subject, count) =>
      runs.filter((run) => run.job === job && run.subject === subject).slice(0, count) as never,
    readState: async (key) => JSON.parse(states.get(key) ?? 'null') ?? undefined,
    writeState: async (key, value) =>
      void (value === undefined ? states.delete(key) : states.set(key, JSON.stringify(value))),
  };
}
