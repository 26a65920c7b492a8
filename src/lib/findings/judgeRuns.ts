import { humanDuration } from '../durations.ts';
import { type FindingPolicy, isOff } from '../findingPolicy.ts';
import type { CheckName } from '../runbook.ts';
import { type JobName, jobs } from '../runs/catalogue.ts';
import { endOf, isReal, type JobHistory } from '../runs/history.ts';
import { firingsBefore } from '../schedules.ts';
import { critical, type Judgement, note, warning } from './judgement.ts';

/** The timer of a job, as far as it is switched on. */
interface JobTimer {
  schedule: string;
  /** It does not fire: that is a finding of its own, and explains why its jobs are missing. */
  isLate: boolean;
  /** A job that has not succeeded since then is missed, in milliseconds since 1970. */
  missedBefore: number;
}

export interface JudgeContext {
  now: Date;
  policy: FindingPolicy;
  /** Undefined where no timer runs the job, or it is switched off. */
  timerOf(job: JobName): JobTimer | undefined;
  /** Since when the job could have run on the subject by this schedule: known, with the app up. */
  couldRunSince(job: JobName, subject: string, schedule: string): Date;
}

export const absentChecks: Partial<Record<JobName, CheckName>> = {
  purge: 'purge-absent',
  index: 'index-absent',
  counts: 'counts-absent',
  redis: 'watch-absent',
  app: 'app-watch-absent',
  rotateKeyRing: 'rotation-absent',
};
/** A job that runs less often than this is missed after one run, and so much later. */
const seldomMs = 6 * 3_600_000;
const seldomGraceMs = 2 * 3_600_000;
const graceMs = 300_000;
/** A timer may fire a moment before its time: that run is not its own successor. */
const earliestMs = 30_000;
/** What somebody asked for and what failed is told for a day: who asked was told at once. */
const askedForMs = 24 * 3_600_000;

/** What goes and comes again so often, within so many runs, is not over when it goes. */
const flaps = 3;
export const flapRuns = 12;

/** Whether it began again and again, by whether it was so at each run, the newest first. */
export function isFlapping(states: readonly boolean[]): boolean {
  return states.filter((is, index) => is && !states[index + 1]).length >= flaps;
}

/**
 * Since when a job with this schedule must have succeeded. A night or a weekend between two runs makes no job one that runs
 * seldom.
 */
export function missedBefore(schedule: string, now: Date, { absentRuns }: FindingPolicy): number {
  const firings = firingsBefore(schedule, now.getTime() - graceMs, Math.max(absentRuns, 3));
  const isSeldom = firings.every((firing, index) => index === 0 || (firings[index - 1] ?? 0) - firing >= seldomMs);
  const missed = isSeldom ? firingsBefore(schedule, now.getTime() - seldomGraceMs, 1)[0] : firings[absentRuns - 1];
  return (missed ?? Number.NEGATIVE_INFINITY) - earliestMs;
}

/** A job that fails, or of which nothing is heard: one finding at most, since they have one cause. */
export function judgeRuns(history: JobHistory, context: JudgeContext): Judgement[] {
  const absence = absenceOf(history, context);
  const failure = failureOf(history, context);
  // A purge that fails again and again is as bad as one that does not run; of others the failure says more.
  return absence.length > 0 && (failure.length === 0 || history.job === 'purge') ? absence : failure;
}

function failureOf({ job, runs, failures: inARow }: JobHistory, { now, timerOf }: JudgeContext): Judgement[] {
  const { looks } = jobs[job];
  const recent = runs.filter(isReal).slice(0, flapRuns);
  const failed = recent.filter(({ outcome }) => outcome === 'failed');
  const flapping = looks && inARow.length < flaps && isFlapping(recent.map((run) => failed.includes(run)));
  const failures = flapping ? failed : inARow;
  const [newest] = failures;
  // One that failed without an error tells of what failed in its report, which the judge of its subject reads.
  if (!newest?.error) return [];
  if (!timerOf(job) && (looks || now.getTime() - Date.parse(newest.startedAt) > askedForMs)) return [];
  const ofRuns = flapping ? `of the last ${recent.length} runs` : 'in a row';
  const times = failures.length === 1 ? 'failed last time' : `failed ${failures.length} times ${ofRuns}`;
  // A look comes again in a few minutes: once is not a reason to wake anybody.
  return (looks && failures.length === 1 ? note : warning)(
    job === 'rotateKeyRing' || job === 'rewrapKeyRing' ? 'rotation-failed' : 'job-failures',
    `The job ${job} ${times} (${newest.error.code}). ${newest.error.message}`.trim(),
    newest.error.advice,
    failures.at(-1)?.startedAt,
  );
}

function absenceOf(history: JobHistory, context: JudgeContext): Judgement[] {
  const { job, lastSuccess, failures, unreadable } = history;
  const check = absentChecks[job];
  const timer = context.timerOf(job);
  if (!check || isOff(context.policy, check) || !timer || timer.isLate || unreadable) return [];
  const { now } = context;
  const success = lastSuccess ? Math.min(endOf(lastSuccess), now.getTime()) : 0;
  const since = Math.max(success, context.couldRunSince(job, history.subject, timer.schedule).getTime());
  if (since >= timer.missedBefore) return [];
  const heard = lastSuccess
    ? `for ${humanDuration(now.getTime() - success)}`
    : `since the app began to look, ${humanDuration(now.getTime() - since)} ago`;
  const error = failures[0]?.error;
  return (job === 'purge' ? critical : warning)(
    check,
    `The job ${job} has not succeeded ${heard}.${error ? ` It fails (${error.code}). ${error.message}` : ''}`,
    error?.advice ?? adviceOnAbsence(history),
    lastSuccess?.startedAt ?? new Date(since).toISOString(),
  );
}

function adviceOnAbsence({ job, runs }: JobHistory): string {
  const last = runs.find((run) => isReal(run) || (run.outcome === 'skipped' && !run.dryRun));
  if (last?.outcome === 'skipped')
    return 'Each run finds another at work on the table: find out who holds its lock (runs of another app, a session of a killed one), and end it.';
  return `See whether the function app runs and its timer ${(jobs[job] as { timer?: { name: string } }).timer?.name ?? ''} fires: open /api/health, then restart the function app.`;
}
