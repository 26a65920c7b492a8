import type { ErrorReport } from '../errors.ts';

/** Who asked for a change, as far as the platform tells. */
export interface Requester {
  /** The Entra principal, or that a key was used. */
  by: string;
  /** The client's address. */
  from: string;
}

/** What is kept of a run. */
export interface RunRecord {
  runId: string;
  job: string;
  /** Name of the cache or ring. */
  cache: string;
  trigger: string;
  requestedBy?: Requester;
  /** Of a run from the work queue. */
  queuedAt?: string;
  startedAt: string;
  duration: string;
  /** `queued` and `running` are of a run from the work queue that is not done yet: its report is the sum of its parts so far. */
  outcome: 'queued' | 'running' | 'succeeded' | 'failed';
  /** Parts that are done, of a run from the work queue. */
  parts?: number;
  report?: unknown;
  error?: ErrorReport;
}

/**
 * The port to what outlives a run: run records, and small states (a position to go on from, a last reading). Stores never
 * hold entry contents, tokens or key material.
 */
export interface RecordStore {
  /** Where records go, for a reader; `none` where they are not kept. */
  readonly description: string;
  addRun(record: RunRecord): Promise<void>;
  getRun(runId: string): Promise<RunRecord | undefined>;
  /** The newest runs of one job on one cache, newest first. */
  latestRuns(job: string, cache: string, count: number): Promise<RunRecord[]>;
  readState(key: string): Promise<unknown>;
  /**
   * Keeps `value` (undefined removes it). The last writer wins: callers hold the run's lock, and write only what does no
   * harm when it is lost or older than it could be.
   */
  writeState(key: string, value: unknown): Promise<void>;
}

/** Keeps nothing, and says so. */
export const noRecordStore: RecordStore = {
  description: 'none',
  addRun: async () => undefined,
  getRun: async () => undefined,
  latestRuns: async () => [],
  readState: async () => undefined,
  writeState: async () => undefined,
};
