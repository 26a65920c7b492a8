import { app, type InvocationContext, type Timer, type TimerHandler } from '@azure/functions';
import pLimit from 'p-limit';
import { serverOf, slotKindOf } from '../../lib/app/databaseServers.ts';
import type { Maintenance } from '../../lib/app/maintenance.ts';
import type { QueueWork } from '../../lib/app/queueWork.ts';
import { toErrorReport } from '../../lib/errors.ts';
import { nextStart } from '../../lib/findings/timers.ts';
import { isWorkJob, type WorkJob } from '../../lib/queue/message.ts';
import { jobs } from '../../lib/runs/catalogue.ts';
import type { RunResult } from '../../lib/runs/runJob.ts';
import { expressionOf } from '../../lib/schedules.ts';
import { describeProblem, type SettingProblem, settingsError, stopsRing } from '../../lib/settings/problems.ts';
import { clock, maintenanceFor, queueFor, settings, withinLimits } from './app.ts';
import { describeFailures, type Failure } from './failures.ts';
import { awaitedAtShutdown, stopSignal } from './shutdown.ts';
import { noteTimerStart } from './timerStart.ts';

type TimedJob = WorkJob | 'app' | 'rotateKeyRing';

export type WorkOnSubject = (
  maintenance: Maintenance,
  subject: string,
  signal: AbortSignal,
  queue: QueueWork | undefined,
) => Promise<RunResult>;

/**
 * Registers the timer of a job: one run on each of its subjects, side by side, so that a slow or broken one delays no other,
 * with so many at once on each database server; or, with many caches, one message each on the work queue. Throws at the end
 * where a run failed or a setting is wrong, so that the invocation counts as failed.
 */
export function timed(job: TimedJob, work: WorkOnSubject): void {
  const { name, schedule } = timerOf(job);
  app.timer(name, { schedule: expressionOf(settings.schedules[schedule]), handler: timerHandler(job, work) });
}

/** What the timer of a job does when it fires. */
export function timerHandler(job: TimedJob, work: WorkOnSubject): TimerHandler {
  const problems = problemsOf(job);
  return awaitedAtShutdown(async (_timer: Timer, context: InvocationContext) => {
    const maintenance = maintenanceFor(context);
    const queue = queueFor(context);
    await noteTimerStart(timerOf(job).name, context);
    for (const problem of new Set(problems.map(describeProblem))) context.error(`Setting ${problem}`);
    for (const warning of settings.warnings.map(describeProblem).filter(isNew)) context.warn(`Setting ${warning}`);
    const subjects = maintenance.names[jobs[job].on];
    const failures =
      isWorkJob(job) && queue?.queuesFor(maintenance.names.cache.length)
        ? await queueEach(queue, job, subjects, context)
        : await runEach(maintenance, queue, job, subjects, work);
    if (failures.length > 0) throw new Error(describeFailures(failures).join('\n'));
    const wrong = problems.filter(({ runsGoOn }) => !runsGoOn);
    if (wrong.length > 0) throw settingsError(wrong);
  });
}

/** Each once in a process: the finding `settings` has them for as long as they stand. */
const told = new Set<string>();
const isNew = (warning: string) => !told.has(warning) && told.add(warning) !== undefined;

const timerOf = (job: TimedJob) => jobs[job].timer ?? { name: job, schedule: 'keyRing' as const };

/** The wrong settings that the timer says: those of its own kind of subject. */
function problemsOf(job: TimedJob): SettingProblem[] {
  const ofRings = ({ setting, ring, jobs: stopped }: SettingProblem) =>
    setting.startsWith('KEY_RINGS') || ring !== undefined || (stopped?.includes('keyRing') ?? false);
  if (job !== 'rotateKeyRing') return settings.problems.filter((problem) => !ofRings(problem));
  const general = settings.rings.length > 0 ? settings.problems.filter((problem) => stopsRing(problem, '')) : [];
  return [...new Set([...settings.problems.filter(ofRings), ...general])];
}

/** The server whose limit holds; by the kind of subject, since a ring may have the name of a cache. */
function askedOf(job: TimedJob, subject: string): string | undefined {
  const { on } = jobs[job];
  if (on === 'sqlCache') return serverOf(settings, subject);
  // A workspace lets an identity run five queries at once.
  return on === 'webApp' ? settings.webApps.find(({ name }) => name === subject)?.workspace : undefined;
}

/** Each subject's own failure, if any. */
async function runEach(
  maintenance: Maintenance,
  queue: QueueWork | undefined,
  job: TimedJob,
  subjects: string[],
  work: WorkOnSubject,
): Promise<Failure[]> {
  const results = await Promise.all(
    subjects.map((subject) =>
      withinLimits(askedOf(job, subject), slotKindOf(job), () => work(maintenance, subject, stopSignal, queue)),
    ),
  );
  return results.flatMap(({ subject, outcome, error }) => (error && outcome !== 'refused' ? [{ subject, error }] : []));
}

/** A timer may fire a moment before its time: that start is not its own successor. */
const earliestMs = 30_000;
/** Calls of the queue at once. */
const putsAtOnce = 16;

async function queueEach(
  queue: QueueWork,
  job: WorkJob,
  subjects: string[],
  context: InvocationContext,
): Promise<Failure[]> {
  const { timer } = jobs[job];
  const until = timer && nextStart(settings.schedules[timer.schedule], new Date(clock.now().getTime() + earliestMs));
  const limit = pLimit(putsAtOnce);
  const failures = await Promise.all(
    subjects.map((subject) =>
      limit(() =>
        queue.put({ job, subject, trigger: 'timer', until }).then(
          () => [],
          (error: unknown) => [{ subject, error: toErrorReport(error) }],
        ),
      ),
    ),
  );
  context.info(
    `${job}: ${subjects.length} messages for the queue ${queue.queue.name}, ${failures.flat().length} of them failed`,
  );
  return failures.flat();
}
