import type { JobName } from './catalogue.ts';
import type { RecordStore } from './recordStore.ts';
import type { RunRecord } from './runRecord.ts';

/** What the records of one job on one subject say of it. */
export interface JobHistory<J extends JobName = JobName> {
  job: J;
  subject: string;
  /** Newest first, of every kind. */
  runs: RunRecord<J>[];
  /** The last real success; undefined where the records know none. */
  lastSuccess: RunRecord<J> | undefined;
  /** Real runs that failed since, newest first. */
  failures: RunRecord<J>[];
  /** The records could not be read. */
  unreadable?: true;
}

/**
 * When did this job last succeed on this subject, and how often has it failed since? Dry runs, refused requests, runs that
 * found another at work and runs that were stopped say nothing of that.
 * @param runs newest first
 */
export function historyOf<J extends JobName>(job: J, subject: string, runs: RunRecord<J>[]): JobHistory<J> {
  const real = runs.filter(isReal);
  const success = real.findIndex(({ outcome }) => outcome === 'succeeded');
  return {
    job,
    subject,
    runs,
    lastSuccess: real[success],
    failures: success < 0 ? real : real.slice(0, success),
  };
}

/** Whether a run tells how the job fares. */
export function isReal({ dryRun, outcome }: Pick<RunRecord, 'dryRun' | 'outcome'>): boolean {
  return !dryRun && (outcome === 'succeeded' || outcome === 'failed');
}

/** Runs that are looked through for the last success, where the newest ones know none. */
const mostRuns = [200, 1_000];

/**
 * The history of a job, from at least `count` of its newest records: more are read until a real success is found.
 * Records that cannot be read make it say so; it does not fail over them.
 */
export async function readHistory<J extends JobName>(
  records: RecordStore,
  job: J,
  subject: string,
  count: number,
): Promise<JobHistory<J>> {
  try {
    let runs = await records.latestRuns(job, subject, count);
    let asked = count;
    for (const more of mostRuns) {
      if (runs.length < asked || historyOf(job, subject, runs).lastSuccess) break;
      asked = Math.max(asked, more);
      runs = await records.latestRuns(job, subject, asked);
    }
    return historyOf(job, subject, runs);
  } catch {
    return { ...historyOf(job, subject, [] as RunRecord<J>[]), unreadable: true };
  }
}
