import { isAhead } from '../clock.ts';
import { parseDuration } from '../durations.ts';
import type { JobName } from './catalogue.ts';
import type { RecordStore } from './recordStore.ts';
import type { RunRecord } from './runRecord.ts';

/** What the records of one job on one subject say of it. */
export interface JobHistory<J extends JobName = JobName> {
  job: J;
  subject: string;
  /** Runs of every kind, each once; the one that began last comes first. */
  runs: RunRecord<J>[];
  /** As `runs`, and perhaps more, for somebody to look at. */
  shown: RunRecord<J>[];
  /** The last real success; undefined where the records know none. */
  lastSuccess: RunRecord<J> | undefined;
  /** Real runs that failed since, newest first. */
  failures: RunRecord<J>[];
  /** Runs that a fast clock dated ahead of now. They are in none of the others until their time comes. */
  ahead: RunRecord<J>[];
  /** The records could not be read. */
  unreadable?: true;
}

/**
 * When did this job last succeed on this subject, and how often has it failed since? Dry runs, refused requests, runs that
 * found another at work and runs that were stopped say nothing of that.
 * @param found in any order: a store gives them by when they were asked for, which is not when they began
 */
export function historyOf<J extends JobName>(
  job: J,
  subject: string,
  found: readonly RunRecord<J>[],
  now: Date,
): JobHistory<J> {
  const each = [...new Map(found.map((run) => [run.runId, run])).values()].sort(newestFirst);
  const ahead = each.filter(({ startedAt }) => isAhead(startedAt, now));
  const runs = each.filter((run) => !ahead.includes(run));
  const real = runs.filter(isReal);
  const success = real.findIndex(({ outcome }) => outcome === 'succeeded');
  return {
    job,
    subject,
    runs,
    shown: runs,
    lastSuccess: real[success],
    failures: success < 0 ? real : real.slice(0, success),
    ahead,
  };
}

/** By when they began; runs of one instant by their ids, so that the order never depends on who read them. */
export function newestFirst(a: Pick<RunRecord, 'startedAt' | 'runId'>, b: Pick<RunRecord, 'startedAt' | 'runId'>) {
  return Date.parse(b.startedAt) - Date.parse(a.startedAt) || (a.runId < b.runId ? -1 : 1);
}

/** When a run ended, in ms since 1970. */
export function endOf({ startedAt, duration }: Pick<RunRecord, 'startedAt' | 'duration'>): number {
  return Date.parse(startedAt) + (parseDuration(duration) ?? 0);
}

/** Whether a run tells how the job fares. */
export function isReal({ dryRun, outcome }: Pick<RunRecord, 'dryRun' | 'outcome'>): boolean {
  return !dryRun && (outcome === 'succeeded' || outcome === 'failed');
}

/** Runs that are looked through where the newest ones do not tell enough. */
const mostRuns = [200, 1_000];

/**
 * The history of a job, from at least `count` of its newest records: more are read until a real success is found, and what
 * else `tells` asks for. Records that cannot be read make it say so; it does not fail over them.
 * @param shown records that are read at least for `shown`
 */
export async function readHistory<J extends JobName>(
  records: RecordStore,
  job: J,
  subject: string,
  count: number,
  now: Date,
  { tells, shown = 0 }: { tells?: ((history: JobHistory<J>) => boolean) | undefined; shown?: number | undefined } = {},
): Promise<JobHistory<J>> {
  try {
    let history = historyOf<J>(job, subject, [], now);
    let found: RunRecord<J>[] = [];
    let isAll = false;
    for (const asked of [count, ...mostRuns.filter((more) => more > count)]) {
      if (!isAll && found.length < asked) {
        const wanted = Math.max(asked, shown);
        found = await records.latestRuns(job, subject, wanted);
        isAll = found.length < wanted;
      }
      history = historyOf(job, subject, found.slice(0, asked), now);
      if ((isAll && found.length <= asked) || (history.lastSuccess && (!tells || tells(history)))) break;
    }
    return { ...history, shown: historyOf(job, subject, found, now).runs };
  } catch {
    return { ...historyOf<J>(job, subject, [], now), unreadable: true };
  }
}
