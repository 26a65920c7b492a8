import type { Clock } from '../clock.ts';
import { type Finding, type ToldFinding, toldOf } from '../findings/finding.ts';
import { type HealthStatus, healthOf, judge, withLevels } from '../findings/judge.ts';
import { appSubject, type QueueReading, waitWarningMs } from '../findings/judgeApp.ts';
import { tellAppPurge } from '../findings/sqlReadings.ts';
import {
  couldRunSince,
  countsFrom,
  keepStanding,
  lastJudged,
  nextState,
  readStanding,
  type StandingMemory,
  type StandingState,
  standingOf,
  type TimedJob,
  wasUp,
} from '../findings/standing.ts';
import {
  type Depths,
  historiesOf,
  ofItsTime,
  type Reading,
  readSubjects,
  type SubjectRecords,
  titleOf,
} from '../findings/subjectRecords.ts';
import { tell } from '../findings/tell.ts';
import { measureLateness, readTimers, type Timer, type TimerReading } from '../findings/timers.ts';
import { readMessageOr } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import { type JobName, jobNames, jobs } from '../runs/catalogue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { ringsOf, type Settings } from '../settings/settings.ts';
import { instruments } from '../telemetry/metrics.ts';
import { packageVersion } from '../version.ts';
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
  /** What this process knows by itself. */
  memory: StandingMemory;
}

/** What stands now: all subjects with their records, the timers, and the findings, the worst first. */
export interface Overview {
  now: Date;
  health: HealthStatus;
  findings: ToldFinding[];
  timers: TimerReading[];
  subjects: SubjectRecords[];
  version: string;
  /** When the deployed code was built; undefined of a command line. */
  deployment: string | undefined;
}

/** Judges every subject by its records; no cache and no ring is asked. Never fails: what cannot be read is a finding. */
export async function readOverview(deps: OverviewDeps): Promise<Overview> {
  return (await read(deps, {})).overview;
}

/** As {@link readOverview}, for a reader: a cache whose run has fallen silent is asked whether that holds its lock. */
export async function readStatus(deps: OverviewDeps, depths: Partial<Depths> = {}): Promise<Overview> {
  const { sqlCaches } = deps.maintenance;
  return (await read(deps, { depths, holdsLock: (cache) => sqlCaches.holdsLock(cache) })).overview;
}

/** As {@link readOverview}, by a timer; then exports what stands, and keeps it for the next time. */
export async function judgeAndTell(deps: OverviewDeps): Promise<Overview> {
  const { overview, state, before, queue, plan, statesReadable } = await read(deps, {}, true);
  const { findings, timers, subjects, now } = overview;
  const { memory, records, settings } = deps;
  tell(findings, before);
  measureLateness(timers);
  if (queue?.poison) instruments.queuePoison.record(queue.poison.count, { queue: queue.name });
  // Without a state there is nothing to go on from.
  memory.told = state || statesReadable ? [] : findings;
  if (!state && !statesReadable) return overview;
  memory.last = nextState(
    state,
    findings,
    timedJobs(subjects, plan),
    subjects.map(titleOf),
    settings.schedules.findings,
    now,
  );
  // A store that fails is a finding of the next judgement.
  if (statesReadable) await keepStanding(records, memory.last).catch(() => undefined);
  return overview;
}

async function read(deps: OverviewDeps, looks: Pick<Reading, 'depths' | 'holdsLock'>, byTimer = false) {
  const { settings, maintenance, records, clock, deployment, memory } = deps;
  const now = clock.now();
  const names = {
    sqlCaches: maintenance.names.sqlCache,
    redisCaches: maintenance.names.redisCache,
    keyRings: maintenance.names.keyRing,
    webApps: maintenance.names.webApp,
    ringsOf: (cache: string) => ringsOf(settings, cache),
  };
  let statesReadable = true;
  const orUnreadable = <T>(reading: Promise<T>, otherwise: T) =>
    reading.catch(() => {
      statesReadable = false;
      return otherwise;
    });
  const [kept, timers, recorded, queue] = await Promise.all([
    orUnreadable<StandingState | undefined>(readStanding(records), undefined),
    orUnreadable<TimerReading[]>(readTimers({ records, timers: deps.timers, deployment, now }), []),
    readSubjects(records, names, { now, policy: settings.findings, ...looks }),
    deps.queue && readQueue(deps.queue),
  ]);
  const plan: Plan = new Map(deps.timers.filter(({ enabled }) => enabled).map(({ name, ...rest }) => [name, rest]));
  const judging = settings.schedules.findings;
  const state = lastJudged(kept, memory.last, now);
  const subjects = recorded.map((each) => ofItsTime(each, countsFrom(state, titleOf(each)), now));
  const before = [...(state?.findings ?? []), ...memory.told];
  // What has waited while the app was down gets its turn first, unless that was told before.
  const downMs = byTimer && state ? 0 : waitWarningMs;
  const upMs = wasUp(state, judging, now) ? now.getTime() - Date.parse(state.upSince) : downMs;
  const hadTurn = upMs >= waitWarningMs || before.some(({ check }) => check === 'queue-idle');
  const wasLate = ({ name }: TimerReading) => before.some(({ subject }) => subject === `timer ${name}`);
  const found = judge({
    now,
    policy: settings.findings,
    settingProblems: settings.problems,
    settingWarnings: settings.warnings,
    recordStore: records.description,
    statesReadable,
    // As the app starts again its timers fire at once, and this one may be the first of them. What was late before, is until it fires.
    timers: byTimer && !wasUp(state, judging, now) ? timers.filter(wasLate) : timers,
    queue: queue && (hadTurn ? queue : { ...queue, nextSince: undefined }),
    subjects,
    couldRunSince: couldRunSince(state, judging, now),
    scheduleOf: (job) => scheduleOf(job, plan),
  });
  const silent = subjects.filter((each) => historiesOf(each).some((history) => history.unreadable));
  // A cache is judged by its rings as well, and a web app by its cache.
  const leansOnSilent = (each: SubjectRecords) =>
    'rings' in each &&
    silent.some(({ kind, name }) =>
      kind === 'keyRing' ? each.rings.includes(name) : each.kind === 'webApp' && name === each.name,
    );
  const unreadable = subjects.filter((each) => silent.includes(each) || leansOnSilent(each)).map(titleOf);
  const ofUnseenPurge = subjects.flatMap((each) =>
    each.kind === 'sqlCache' && !tellAppPurge(each.counts) ? titleOf(each) : [],
  );
  // What is not found since something cannot be read has not gone.
  const isJudged = ({ check, subject }: Finding) => {
    if (settings.findings.levels.get(check) === 'off') return true;
    // Whether another finding tells of them is not known.
    if (check === 'poison-messages' && unreadable.length > 0) return queue?.poison?.count === 0;
    if (check === 'app-purge' && ofUnseenPurge.includes(subject)) return false;
    if (subject.startsWith('queue ')) return !queue || queue.poison !== undefined;
    if (subject.startsWith('timer ')) return statesReadable;
    if (subject === appSubject) return check !== 'clock-ahead' || unreadable.length === 0;
    return (statesReadable || state !== undefined) && !unreadable.includes(subject);
  };
  const findings = standingOf(found, withLevels(before, settings.findings.levels), isJudged).map((each) =>
    toldOf(each, settings.runbook),
  );
  const health = healthOf(findings);
  const overview: Overview = { now, health, findings, timers, subjects, version: packageVersion(), deployment };
  return { overview, state, before, queue, plan, statesReadable };
}

/** The timers that are switched on, by their names. */
type Plan = ReadonlyMap<string, Pick<Timer, 'schedule'>>;

function scheduleOf(job: JobName, plan: Plan): { timer: string; schedule: string } | undefined {
  const { timer } = jobs[job] as { timer?: { name: string } };
  const planned = timer && plan.get(timer.name);
  return planned && { timer: timer.name, schedule: planned.schedule };
}

/** Every job that a timer runs, on each of its subjects. */
function timedJobs(subjects: readonly SubjectRecords[], plan: Plan): TimedJob[] {
  return subjects.flatMap(({ kind, name }) =>
    jobNames.flatMap((job) => {
      const planned = jobs[job].on === kind && scheduleOf(job, plan);
      return planned ? [{ job, subject: name, schedule: planned.schedule }] : [];
    }),
  );
}

/** One that can be read in part is one that cannot be read: what is missing is not known to be over. */
async function readQueue(queue: WorkQueue): Promise<QueueReading> {
  const { name, poison } = queue;
  try {
    const [count, messages, nextSince] = await Promise.all([poison.count(), poison.peek(), queue.nextSince()]);
    const known = messages.flatMap(({ text }) => readMessageOr(text) ?? []);
    return { name, poison: { name: poison.name, count, messages: known }, nextSince };
  } catch {
    return { name, poison: undefined, nextSince: undefined };
  }
}
