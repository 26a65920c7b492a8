import type { Clock } from '../clock.ts';
import type { Finding } from '../findings/finding.ts';
import { type HealthStatus, healthOf, judge } from '../findings/judge.ts';
import type { QueueReading } from '../findings/judgeApp.ts';
import {
  couldRunSince,
  keepStanding,
  nextState,
  readStanding,
  type StandingState,
  withSince,
} from '../findings/standing.ts';
import { type Depths, judgedRuns, readSubjects, type SubjectRecords } from '../findings/subjectRecords.ts';
import { tell } from '../findings/tell.ts';
import { intervalOf, measureLateness, readTimers, type Timer, type TimerReading } from '../findings/timers.ts';
import { readMessageOr } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { type JobName, jobs } from '../runs/catalogue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Settings } from '../settings/settings.ts';
import { instruments } from '../telemetry/metrics.ts';
import type { Maintenance } from './maintenance.ts';

export interface OverviewDeps {
  settings: Settings;
  maintenance: Maintenance;
  records: RecordStore;
  clock: Clock;
  timers: readonly Timer[];
  /** Names the deployment; undefined of a command line, which has none. */
  deployment: string | undefined;
  queue: WorkQueue | undefined;
}

/** What stands now: all subjects with their records, the timers, and the findings, the worst first. */
export interface Overview {
  now: Date;
  health: HealthStatus;
  findings: Finding[];
  timers: TimerReading[];
  subjects: SubjectRecords[];
}

/** Judges every subject by its records; no cache and no ring is asked. Never fails: what cannot be read is a finding. */
export async function readOverview(deps: OverviewDeps, depths: Partial<Depths> = {}): Promise<Overview> {
  return (await read(deps, depths)).overview;
}

/** As {@link readOverview}; then exports what stands, and keeps it for the next time. */
export async function judgeAndTell(deps: OverviewDeps): Promise<Overview> {
  const { overview, state, queue } = await read(deps, {});
  const { findings, timers, subjects, now } = overview;
  tell(findings, Object.keys(state?.findings ?? {}));
  measureLateness(timers);
  if (queue?.poison) instruments.queuePoison.record(queue.poison.count, { queue: queue.name });
  const next = nextState(state, findings, timedJobs(subjects), now, downMsOf(deps.settings, now));
  // A store that fails is a finding of the next judgement.
  await keepStanding(deps.records, next).catch(() => undefined);
  return overview;
}

async function read(deps: OverviewDeps, depths: Partial<Depths>) {
  const { settings, maintenance, records, clock, deployment } = deps;
  const now = clock.now();
  const purgeDepth = Math.max(judgedRuns.purge, settings.findings.backlogRuns * 8);
  const needed = { ...judgedRuns, purge: purgeDepth };
  const deepest = Object.fromEntries(
    Object.entries(needed).map(([job, depth]) => [job, Math.max(depth, depths[job as keyof Depths] ?? 0)]),
  ) as Depths;
  const names = {
    sqlCaches: maintenance.sqlCaches.names(),
    redisCaches: maintenance.redisCaches.names(),
    keyRings: maintenance.keyRings.names(),
  };
  let statesReadable = true;
  const orUnreadable = <T>(reading: Promise<T>, otherwise: T) =>
    reading.catch(() => {
      statesReadable = false;
      return otherwise;
    });
  const [state, timers, subjects, queue] = await Promise.all([
    orUnreadable<StandingState | undefined>(readStanding(records), undefined),
    orUnreadable<TimerReading[]>(readTimers({ records, timers: deps.timers, deployment, now }), []),
    readSubjects(records, names, now, deepest),
    deps.queue && readQueue(deps.queue),
  ]);
  const plan = new Map(deps.timers.filter(({ enabled }) => enabled).map(({ name, schedule }) => [name, schedule]));
  const findings = judge({
    now,
    policy: settings.findings,
    settingProblems: settings.problems,
    recordStore: records.description,
    statesReadable,
    timers,
    queue,
    subjects,
    couldRunSince: couldRunSince(state, now, downMsOf(settings, now)),
    scheduleOf: (job) => {
      const { timer } = jobs[job] as { timer?: { name: string } };
      const schedule = timer && plan.get(timer.name);
      return timer && schedule !== undefined ? { timer: timer.name, schedule } : undefined;
    },
  });
  const overview: Overview = {
    now,
    health: healthOf(findings),
    findings: withSince(findings, state),
    timers,
    subjects,
  };
  return { overview, state, queue };
}

/** The app was down where three judgements are missing. */
function downMsOf({ schedules }: Settings, now: Date): number {
  return Math.max(900_000, 3 * intervalOf(schedules.findings, now));
}

/** Every job that a timer runs, on each of its subjects. */
function timedJobs(subjects: readonly SubjectRecords[]): { job: JobName; subject: string }[] {
  const timed = (Object.keys(jobs) as JobName[]).filter((job) => 'timer' in jobs[job]);
  return subjects.flatMap(({ kind, name }) =>
    timed.filter((job) => jobs[job].on === kind).map((job) => ({ job, subject: name })),
  );
}

async function readQueue(queue: WorkQueue): Promise<QueueReading> {
  const { poison } = queue;
  const [count, messages, nextSince] = await Promise.all([
    poison.count().catch(() => undefined),
    poison.peek().catch(() => []),
    queue.nextSince().catch(() => undefined),
  ]);
  const known = messages.flatMap(({ text }) => readMessageOr(text) ?? []);
  return {
    name: queue.name,
    poison: count === undefined ? undefined : { name: poison.name, count, messages: known },
    nextSince,
  };
}
