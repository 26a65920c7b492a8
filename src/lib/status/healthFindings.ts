import type { HealthReport } from '../health/health.ts';
import { describeProblem, type SettingProblem } from '../settings/problems.ts';
import type { Finding } from './finding.ts';
import { durationText } from './wording.ts';

export interface AppState {
  health: HealthReport;
  settingProblems: readonly SettingProblem[];
  /** Where records go; `none` where they are not kept. */
  recordStore: string;
  recordsReadable: boolean;
}

/** What concerns the app as a whole: its settings, its storage, its timers. */
export function healthFindings({ health, settingProblems, recordStore, recordsReadable }: AppState): Finding[] {
  const late = health.timers.filter(({ status }) => status !== 'ok');
  return [
    ...settingProblems.map(
      (problem): Finding => ({
        level: 'critical',
        subject: 'Settings',
        what: describeProblem(problem),
        advice: 'Correct it in the settings of the function app; docs/settings.md lists them all.',
        since: null,
      }),
    ),
    ...(recordsReadable ? [] : [storageUnreadable]),
    ...(recordStore === 'none' ? [nothingRecorded] : []),
    ...poisonFinding(health),
    ...idleQueueFinding(health),
    ...late.map(
      ({ name, status, lateness, lastStart }): Finding => ({
        level: status === 'failing' ? 'critical' : 'warning',
        subject: `Timer ${name}`,
        what: `It is late by ${durationText(lateness ?? 'PT0S')}.`,
        advice:
          'See whether the function app runs and the function is enabled; then whether its storage account (AzureWebJobsStorage) can be reached, where the timers keep their lease; then restart the app.',
        since: lastStart,
      }),
    ),
  ];
}

function poisonFinding({ poison }: HealthReport): Finding[] {
  if (!poison || poison.messages === 0) return [];
  const { queue, messages } = poison;
  return [
    {
      level: 'warning',
      subject: `Queue ${queue}`,
      what: `${messages} ${messages === 1 ? 'message' : 'messages'} failed 5 times and lie here: that work is not done.`,
      advice:
        'Look with `token-cache queue list`; fix the cause; then put them back with `token-cache queue retry --execute`.',
      since: null,
    },
  ];
}

function idleQueueFinding({ notWorkedOff }: HealthReport): Finding[] {
  if (!notWorkedOff) return [];
  const { queue, wait, status } = notWorkedOff;
  return [
    {
      level: status === 'failing' ? 'critical' : 'warning',
      subject: `Queue ${queue}`,
      what: `It is not worked off, or far behind: its next message has waited for ${durationText(wait)}.`,
      advice:
        'See whether the function runMaintenance is enabled, and not in error for want of the extension bundle that host.json names; then whether the identity has the role Storage Queue Data Contributor.',
      since: null,
    },
  ];
}

const storageUnreadable: Finding = {
  level: 'critical',
  subject: 'Records',
  what: 'The record store cannot be read: what ran is not known.',
  advice:
    'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Table Data Contributor of the identity. The jobs themselves go on.',
  since: null,
};

const nothingRecorded: Finding = {
  level: 'info',
  subject: 'Records',
  what: 'Runs are not recorded, so this page has no history.',
  advice: 'Set RECORD_STORE to table to keep records in the storage account of the function app.',
  since: null,
};
