import { isAhead } from '../clock.ts';
import { humanDuration, parseDuration } from '../durations.ts';
import type { FindingPolicy } from '../findingPolicy.ts';
import type { WorkMessage } from '../queue/message.ts';
import { checkNames } from '../runbook.ts';
import { recordsAdvice } from '../runs/recordStore.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { describeProblem, type SettingProblem } from '../settings/problems.ts';
import { countOf } from '../wording.ts';
import type { JudgedFinding } from './checkNames.ts';
import { lateOnes, type TimerReading } from './timers.ts';

/** The subject of what concerns the app as a whole. */
export const appSubject = 'token-cache-maintenance';

/** What is known of the work queue; its parts are undefined where they cannot be read. */
export interface QueueReading {
  name: string;
  poison: { name: string; count: number; messages: Pick<WorkMessage, 'job' | 'subject'>[] } | undefined;
  /** Since when the next message waits that nobody has tried. */
  nextSince: Date | undefined;
}

export interface AppFacts {
  now: Date;
  policy: FindingPolicy;
  settingProblems: readonly SettingProblem[];
  /** What of the settings was put right, guessed or is not followed. */
  settingWarnings: readonly SettingProblem[];
  /** Where records go; `none` where they are not kept. */
  recordStore: string;
  recordsReadable: boolean;
  /** Records that a fast clock dated ahead of now. */
  ahead: readonly Pick<RunRecord, 'job' | 'subject' | 'startedAt'>[];
  timers: readonly TimerReading[];
  queue: QueueReading | undefined;
  /** Whether a finding says already that this job fails on this subject, or may: its given-up messages are not news. */
  isTold(job: string, subject: string): boolean;
}

/**
 * A timer's messages over half an hour old are dropped when they are met, and the longest run takes 10 minutes: a queue whose
 * next message is older is far behind, and after two hours nobody works it off.
 */
const waitWarningMs = 2_700_000;
const waitCriticalMs = 7_200_000;

/** What concerns the app itself: its settings, its records, its timers, its queue. */
export function judgeApp(facts: AppFacts): JudgedFinding[] {
  return [
    ...facts.settingProblems.map((problem) => ({
      check: 'settings' as const,
      level: 'critical' as const,
      subject: appSubject,
      what: `A setting cannot be used: ${describeProblem(problem)}`,
      advice: 'Correct it in the settings of the function app; docs/reference/settings.md lists them all.',
      since: null,
    })),
    ...facts.settingWarnings.map((warning) => ({
      check: 'settings' as const,
      level: 'info' as const,
      subject: appSubject,
      what: `A setting is not taken as it stands: ${describeProblem(warning)}`,
      advice: 'See whether this is what was meant; the jobs go on with it.',
      since: null,
    })),
    ...unknownLevels(facts.policy),
    ...recordFindings(facts),
    ...clockAhead(facts),
    ...lateOnes(facts.timers).map(lateTimer),
    ...(facts.queue ? [...poison(facts.queue, facts.isTold), ...waiting(facts.queue, facts.now)] : []),
  ];
}

/** A name that is misspelt would leave its finding as it is, unnoticed. */
function unknownLevels({ levels }: AppFacts['policy']): JudgedFinding[] {
  const unknown = [...levels.keys()].filter((check) => !checkNames.includes(check));
  return unknown.map((check) => ({
    check: 'settings',
    level: 'warning',
    subject: appSubject,
    // Only what has the form of a name is repeated.
    what: `FINDING_LEVELS names ${/^[A-Za-z-]{1,40}$/.test(check) ? check : 'something'}, and no finding is called so.`,
    advice: 'Correct the name: docs/runbook/README.md has them all.',
    since: null,
  }));
}

function recordFindings({ recordStore, recordsReadable }: AppFacts): JudgedFinding[] {
  if (!recordsReadable)
    return [
      {
        check: 'records-unreadable',
        level: 'critical',
        subject: appSubject,
        what: 'The record store cannot be read: what ran is not known.',
        advice: `${recordsAdvice} The jobs themselves go on.`,
        since: null,
      },
    ];
  if (recordStore !== 'none') return [];
  return [
    {
      check: 'records-off',
      level: 'info',
      subject: appSubject,
      what: 'Runs are not recorded, so nothing can be said of them.',
      advice:
        'Set RECORD_STORE to table, and AzureWebJobsStorage to the storage account of the function app, to keep them there.',
      since: null,
    },
  ];
}

/** What is dated ahead is left out of all judgements, which may then miss what runs. */
function clockAhead({ ahead, timers, now }: AppFacts): JudgedFinding[] {
  const dated = [
    ...ahead.map(({ job, subject, startedAt }) => ({ name: `${job} of ${subject}`, at: startedAt })),
    ...timers.flatMap(({ name, lastStart: at }) => (at && isAhead(at, now) ? { name: `the timer ${name}`, at } : [])),
  ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const [latest] = dated;
  if (!latest) return [];
  return [
    {
      check: 'clock-ahead',
      level: 'warning',
      subject: appSubject,
      what: `${countOf(dated.length, 'start')} in the records ${dated.length === 1 ? 'is' : 'are'} dated ahead of this clock, up to ${latest.at} (${latest.name}): until then they prove nothing.`,
      advice:
        'The clock of an instance is fast, or was; or that of this one is slow. Restart the function app where it lasts, so that others take its place. Until then, jobs may be told as absent that run there.',
      since: null,
    },
  ];
}

function lateTimer({ name, status, lateness, lastStart }: TimerReading): JudgedFinding {
  return {
    check: 'timer-late',
    level: status === 'dead' ? 'critical' : 'warning',
    subject: `timer ${name}`,
    what: `The timer is late by ${humanDuration(parseDuration(lateness ?? 'PT0S') ?? 0)}.`,
    advice:
      'See whether the function app runs and the function is enabled; then whether its storage account (AzureWebJobsStorage) can be reached, where the timers keep their lease; then restart the app.',
    since: lastStart,
  };
}

function poison({ name, poison: given }: QueueReading, isTold: AppFacts['isTold']): JudgedFinding[] {
  if (!given)
    return [
      {
        check: 'queue-unreadable',
        level: 'warning',
        subject: `queue ${name}`,
        what: 'The work queue cannot be read: whether work was given up is not known.',
        advice:
          'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Queue Data Contributor of the identity.',
        since: null,
      },
    ];
  const isKnown =
    given.messages.length >= given.count && given.messages.every((each) => isTold(each.job, each.subject));
  if (given.count === 0 || isKnown) return [];
  return [
    {
      check: 'poison-messages',
      level: 'warning',
      subject: `queue ${name}`,
      what: `${given.count} ${given.count === 1 ? 'message' : 'messages'} failed 5 times and lie in ${given.name}: that work is not done.`,
      advice:
        'Look with `token-cache queue list`; fix the cause; then put them back with `token-cache queue retry --execute`.',
      since: null,
    },
  ];
}

/** The timers fire and queue their work, and nothing is done: no record would say so. */
function waiting({ name, nextSince }: QueueReading, now: Date): JudgedFinding[] {
  const waitMs = nextSince ? now.getTime() - nextSince.getTime() : 0;
  if (!nextSince || waitMs <= waitWarningMs) return [];
  return [
    {
      check: 'queue-idle',
      level: waitMs > waitCriticalMs ? 'critical' : 'warning',
      subject: `queue ${name}`,
      what: `The queue is not worked off, or far behind: its next message has waited for ${humanDuration(waitMs)}.`,
      advice:
        'See whether the function runMaintenance is enabled, and not in error for want of the extension bundle that host.json names; then whether the identity has the role Storage Queue Data Contributor.',
      since: nextSince.toISOString(),
    },
  ];
}
