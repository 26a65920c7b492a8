import { MaintenanceError } from '../errors.ts';
import type { JobName } from './catalogue.ts';
import type { RunRecord } from './runRecord.ts';

/**
 * The port to what outlives a run: run records, and small states (a position to go on from, a last reading). Stores never
 * hold entry contents, tokens or key material. Records of earlier versions are read in the present shape.
 */
export interface RecordStore {
  /** Where records go, for a reader; `none` where they are not kept. */
  readonly description: string;
  /** Repeatable: the same run again replaces its record. */
  addRun(record: RunRecord): Promise<void>;
  getRun(runId: string): Promise<RunRecord | undefined>;
  /** The newest runs of one job on one subject, newest first. */
  latestRuns<J extends JobName>(job: J, subject: string, count: number): Promise<RunRecord<J>[]>;
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

/** What to do where the records cannot be had. */
export const recordsAdvice =
  'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Table Data Contributor of the identity. Where RECORD_STORE names a folder, see whether that can be read and written.';

/** For whoever needs the records and cannot have them. */
export function recordsUnavailable(): MaintenanceError {
  return new MaintenanceError(
    'records_unavailable',
    'The record store cannot be reached.',
    `${recordsAdvice} Timers that run their jobs themselves go on; queued work waits for the records.`,
  );
}

const refuse = async () => {
  throw recordsUnavailable();
};

/** For settings that name a store which cannot be used: all of it fails, and runs say what they could not keep. */
export const unusableRecordStore: RecordStore = {
  description: 'a table that the settings do not name rightly',
  addRun: refuse,
  getRun: refuse,
  latestRuns: refuse,
  readState: refuse,
  writeState: refuse,
};

/** What a store kept as text; undefined where it is not JSON: a record that is damaged must not stop a run. */
export function parseKept(text: string | undefined): unknown {
  try {
    return text && JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What needs the records. @throws MaintenanceError `records_unavailable` */
export function orUnavailable<T>(work: Promise<T>): Promise<T> {
  return work.catch(() => {
    throw recordsUnavailable();
  });
}
