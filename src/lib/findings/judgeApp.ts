import { isAhead } from '../clock.ts';
import { humanDuration, parseDuration } from '../durations.ts';
import type { FindingPolicy } from '../findingPolicy.ts';
import type { WorkMessage } from '../queue/message.ts';
import { checkNames } from '../runbook.ts';
import { recordsAdvice } from '../runs/recordStore.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { describeProblem, type SettingProblem } from '../settings/problems.ts';
import { countOf } from '../wording.ts';
import { about, critical, type JudgedFinding, type Judgement, note, warning } from './judgement.ts';
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
export const waitWarningMs = 2_700_000;
const waitCriticalMs = 7_200_000;

/** What concerns the app itself: its settings, its records, its timers, its queue. */
export function judgeApp(facts: AppFacts): JudgedFinding[] {
  const { queue } = facts;
  return [
    ...about(appSubject, [
      ...facts.settingProblems.flatMap((problem) =>
        critical(
          'settings',
          `A setting cannot be used: ${describeProblem(problem)}`,
          'Correct it in the settings of the function app; docs/reference/settings.md lists them all.',
        ),
      ),
      ...facts.settingWarnings.flatMap((problem) =>
        note(
          'settings',
          `A setting is not taken as it stands: ${describeProblem(problem)}`,
          'See whether this is what was meant; the jobs go on with it.',
        ),
      ),
      ...unknownLevels(facts.policy),
      ...recordFindings(facts),
      ...clockAhead(facts),
    ]),
    ...lateOnes(facts.timers).flatMap((timer) => about(`timer ${timer.name}`, lateTimer(timer))),
    ...(queue ? about(`queue ${queue.name}`, [...poison(queue, facts.isTold), ...waiting(queue, facts.now)]) : []),
  ];
}

/** A name that is misspelt would leave its finding as it is, unnoticed. */
function unknownLevels({ levels }: AppFacts['policy']): Judgement[] {
  const unknown = [...levels.keys()].filter((check) => !checkNames.includes(check));
  return unknown.flatMap((check) =>
    warning(
      'settings',
      // Only what has the form of a name is repeated.
      `FINDING_LEVELS names ${/^[A-Za-z-]{1,40}$/.test(check) ? check : 'something'}, and no finding is called so.`,
      'Correct the name: docs/runbook/README.md has them all.',
    ),
  );
}

function recordFindings({ recordStore, recordsReadable }: AppFacts): Judgement[] {
  if (!recordsReadable)
    return critical(
      'records-unreadable',
      'The record store cannot be read: what ran is not known.',
      `${recordsAdvice} Timers that run their jobs themselves go on; queued work waits for the records.`,
    );
  if (recordStore !== 'none') return [];
  return note(
    'records-off',
    'Runs are not recorded, so nothing can be said of them.',
    'Set RECORD_STORE to table, and AzureWebJobsStorage to the storage account of the function app, to keep them there.',
  );
}

/** What is dated ahead is left out of all judgements, which may then miss what runs. */
function clockAhead({ ahead, timers, now }: AppFacts): Judgement[] {
  const dated = [
    ...ahead.map(({ job, subject, startedAt }) => ({ name: `${job} of ${subject}`, at: startedAt })),
    ...timers.flatMap(({ name, lastStart: at }) => (at && isAhead(at, now) ? { name: `the timer ${name}`, at } : [])),
  ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const [latest] = dated;
  if (!latest) return [];
  return warning(
    'clock-ahead',
    `${countOf(dated.length, 'start')} in the records ${dated.length === 1 ? 'is' : 'are'} dated ahead of this clock, up to ${latest.at} (${latest.name}): until then they prove nothing.`,
    'The clock of an instance is fast, or was; or that of this one is slow. Restart the function app where it lasts, so that others take its place. Until then, jobs may be told as absent that run there.',
  );
}

function lateTimer({ status, lateness, lastStart }: TimerReading): Judgement[] {
  return (status === 'dead' ? critical : warning)(
    'timer-late',
    `The timer is late by ${humanDuration(parseDuration(lateness ?? 'PT0S') ?? 0)}.`,
    'See whether the function app runs and the function is enabled; then whether its storage account (AzureWebJobsStorage) can be reached, where the timers keep their lease; then restart the app.',
    lastStart,
  );
}

function poison({ poison: given }: QueueReading, isTold: AppFacts['isTold']): Judgement[] {
  if (!given)
    return warning(
      'queue-unreadable',
      'The work queue cannot be read: whether work was given up is not known.',
      'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Queue Data Contributor of the identity.',
    );
  const isKnown =
    given.messages.length >= given.count && given.messages.every((each) => isTold(each.job, each.subject));
  if (given.count === 0 || isKnown) return [];
  return warning(
    'poison-messages',
    `${countOf(given.count, 'message')} failed 5 times and lie in ${given.name}: that work is not done.`,
    'Look with `token-cache queue list`; fix the cause; then put them back with `token-cache queue retry --execute`.',
  );
}

/** The timers fire and queue their work, and nothing is done: no record would say so. */
function waiting({ nextSince }: QueueReading, now: Date): Judgement[] {
  const waitMs = nextSince ? now.getTime() - nextSince.getTime() : 0;
  if (!nextSince || waitMs <= waitWarningMs) return [];
  return (waitMs > waitCriticalMs ? critical : warning)(
    'queue-idle',
    `The queue is not worked off, or far behind: its next message has waited for ${humanDuration(waitMs)}.`,
    'See whether the function runMaintenance is enabled, and not in error for want of the extension bundle that host.json names; then whether the identity has the role Storage Queue Data Contributor.',
    nextSince.toISOString(),
  );
}
