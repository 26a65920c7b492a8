import { isOff } from '../findingPolicy.ts';
import { type Level, worst, worstFirst } from '../level.ts';
import { isNote } from '../runbook.ts';
import { type JobName, jobNames } from '../runs/catalogue.ts';
import type { Finding } from './finding.ts';
import { type AppFacts, appSubject, judgeApp } from './judgeApp.ts';
import { judgeKeyRing } from './judgeKeyRing.ts';
import { judgeRedisCache } from './judgeRedisCache.ts';
import { type JudgeContext, judgeRuns, missedBefore } from './judgeRuns.ts';
import { judgeSqlCache } from './judgeSqlCache.ts';
import { judgeWebApp } from './judgeWebApp.ts';
import { historiesOf, type SubjectRecords } from './subjectRecords.ts';
import { lateOnes } from './timers.ts';

export interface Judged
  extends Omit<AppFacts, 'isTold' | 'recordsReadable' | 'ahead' | 'now'>,
    Omit<JudgeContext, 'timerOf'> {
  subjects: readonly SubjectRecords[];
  /** False where the states of the record store could not be read. */
  statesReadable: boolean;
  /** The schedule of a job's timer; undefined where none runs it, or it is switched off. */
  scheduleOf(job: JobName): { timer: string; schedule: string } | undefined;
}

/** `degraded`: somebody should look by day · `failing`: the app cannot do its work. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

/**
 * What stands now, the worst first: the one list that the page, GET /api/status, the terminal, the metric and the alerts show.
 * Pure: it reads nothing, and throws over no record.
 */
export function judge(facts: Judged): Finding[] {
  const { subjects, statesReadable, timers, policy } = facts;
  const late = new Set((isOff(policy, 'timer-late') ? [] : lateOnes(timers)).map(({ name }) => name));
  const jobTimers = new Map(
    jobNames.flatMap((job) => {
      const planned = facts.scheduleOf(job);
      if (!planned) return [];
      const { timer, schedule } = planned;
      return [[job, { schedule, isLate: late.has(timer), missedBefore: missedBefore(schedule, facts.now, policy) }]];
    }),
  );
  const context: JudgeContext = {
    now: facts.now,
    policy,
    couldRunSince: facts.couldRunSince,
    timerOf: (job) => jobTimers.get(job),
  };
  const histories = subjects.flatMap(historiesOf);
  const ofSubjects = subjects.flatMap((subject) => judgeSubject(subject, subjects, context));
  const ofApp = judgeApp({
    ...facts,
    recordsReadable: statesReadable && !histories.some(({ unreadable }) => unreadable),
    ahead: histories.flatMap(({ ahead }) => ahead),
    isTold: (job, name) =>
      histories.some(
        (each) =>
          each.job === job &&
          each.subject === name &&
          (each.unreadable || judgeRuns(each, context).some(({ check }) => !isOff(policy, check))),
      ),
  });
  return worstFirst(withLevels([...ofApp, ...ofSubjects], policy.levels));
}

function judgeSubject(subject: SubjectRecords, all: readonly SubjectRecords[], context: JudgeContext): Finding[] {
  switch (subject.kind) {
    case 'sqlCache':
      return judgeSqlCache(subject, all, context);
    case 'redisCache':
      return judgeRedisCache(subject, context);
    case 'keyRing':
      return judgeKeyRing(subject, context);
    case 'webApp':
      return judgeWebApp(subject, all, context);
  }
}

/** Findings with the levels of the settings; also those of an earlier judgement, by other settings. */
export function withLevels(findings: readonly Finding[], levels: ReadonlyMap<string, Level | 'off'>): Finding[] {
  return findings.flatMap((finding) => {
    const staysNote = finding.level === 'info' && !isNote(finding.check);
    const level = levels.get(finding.check) ?? finding.level;
    return level === 'off' ? [] : { ...finding, level: staysNote ? 'info' : level };
  });
}

/**
 * The health of the app, by the findings. `failing` is for what keeps the app itself from its work: what probes /api/health may
 * restart it then, which helps no database.
 */
export function healthOf(findings: readonly Finding[]): HealthStatus {
  const own = findings.filter(({ subject }) => subject === appSubject || /^(timer|queue) /.test(subject));
  if (worst(own) === 'critical') return 'failing';
  const level = worst(findings);
  return level === 'critical' || level === 'warning' ? 'degraded' : 'ok';
}
