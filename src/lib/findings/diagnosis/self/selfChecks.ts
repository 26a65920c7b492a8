import { type Check, critical, pass, unknown, warning } from '../../../checks/check.ts';
import { toErrorReport } from '../../../errors.ts';
import type { RecordStore } from '../../../runs/recordStore.ts';
import { describeProblem, type SettingProblem } from '../../../settings/problems.ts';
import { countOf } from '../../../wording.ts';
import { lateOnes, type TimerReading } from '../../timers.ts';
import { clientWords, Line } from '../connection/line.ts';

/** This tool itself, as far as a diagnosis may ask. */
export interface SelfSubject {
  settingProblems: readonly SettingProblem[];
  settingWarnings: readonly SettingProblem[];
  records: RecordStore;
  /** Whether the records are those of the function app: only they tell of its timers. */
  ofFunctionApp: boolean;
  /** Whether the timers fire; undefined where nobody can tell. */
  timers: (() => Promise<TimerReading[]>) | undefined;
  /** A token for each scope that the settings need; undefined where no setting needs an identity. */
  identity: (() => Promise<{ scopes: number; expires: Date }>) | undefined;
  /** Where telemetry goes, where a setting says it. */
  telemetryEndpoint: URL | undefined;
  nodeVersion: string;
  leastNodeMajor: number;
}

/** This tool itself: what it reports rests on these. */
const checks: (Pick<Check<SelfSubject>, 'id' | 'run'> & Partial<Check<SelfSubject>>)[] = [
  {
    id: 'settings',
    timeLimitMs: 1_000,
    run: async ({ settingProblems: problems, settingWarnings: warnings }) => {
      const evidence = [{ what: 'settings that cannot be used', value: problems.length }];
      if (problems.length === 0 && warnings.length > 0)
        return warning({
          cause: 'settings_not_followed',
          what: warnings.map(describeProblem).join(' '),
          evidence,
          advice: 'See whether this is what was meant; the jobs go on with it.',
        });
      if (problems.length === 0) return pass('All settings can be used.', evidence);
      return critical({
        cause: 'settings_invalid',
        what: problems.map(describeProblem).join(' '),
        evidence,
        advice: 'Correct them; docs/reference/settings.md lists them all. What they concern was not looked at.',
      });
    },
  },
  {
    id: 'identity',
    applies: ({ identity }) => identity !== undefined,
    run: async ({ identity }, clock) => {
      try {
        const { scopes, expires } = (await identity?.()) ?? { scopes: 0, expires: clock.now() };
        return pass('The identity gets its tokens.', [
          { what: 'scopes', value: scopes },
          {
            what: 'first token valid for',
            value: Math.round((expires.getTime() - clock.now().getTime()) / 1000),
            unit: 's',
          },
        ]);
      } catch (error) {
        const expired = /AADSTS7000222/.test(error instanceof Error ? error.message : '');
        return critical({
          cause: expired ? 'secret_expired' : 'no_identity',
          what: expired
            ? 'The client secret of the identity has expired (AADSTS7000222).'
            : 'No Entra token could be had, and a cache or ring needs one.',
          advice:
            'In Azure: assign the managed identity, and set AZURE_CLIENT_ID where it is user-assigned. On your own machine: `az login`. A new secret where one has expired.',
        });
      }
    },
  },
  {
    id: 'storage',
    run: async ({ records, ofFunctionApp }) => {
      const evidence = [{ what: 'records', value: records.description }];
      if (records.description === 'none' && ofFunctionApp)
        return warning({
          cause: 'no_records',
          what: 'Runs are not recorded: nobody can see whether the timers fire, or how fast a table grows.',
          evidence,
          advice: 'Set RECORD_STORE to table, and AzureWebJobsStorage to the storage account of the function app.',
        });
      try {
        await records.readState('deployment');
        return pass('The record store can be read.', evidence);
      } catch (error) {
        return critical({
          cause: 'storage_unreadable',
          what: `The record store cannot be read: ${toErrorReport(error).message}`,
          evidence,
          advice:
            'Check AzureWebJobsStorage: the network rules of the account, and the role Storage Table Data Contributor of the identity. The timers keep their leases there as well.',
        });
      }
    },
  },
  {
    id: 'timers',
    // A command line keeps records of its own, which know no timer.
    applies: ({ ofFunctionApp, timers, records }) =>
      ofFunctionApp && timers !== undefined && records.description !== 'none',
    run: async ({ timers: read }) => {
      const timers = (await read?.()) ?? [];
      const late = lateOnes(timers);
      const evidence = [
        { what: 'timers', value: timers.length },
        { what: 'late', value: late.length },
        ...late.map(({ name, lateness }) => ({ what: `${name} late by`, value: lateness ?? 'PT0S' })),
      ];
      if (late.length === 0 && timers.some(({ status }) => status === 'unknown'))
        return unknown(
          'no_timer_seen',
          'No timer of this deployment is recorded to have fired.',
          'Ask again when the first is due: GET /api/status has nextStart of each.',
          evidence,
        );
      if (late.length === 0) return pass('Every timer fires in time.', evidence);
      const trouble = {
        cause: 'timer_missed',
        what: `${countOf(late.length, 'timer')} did not fire when due: ${late.map(({ name }) => name).join(', ')}.`,
        evidence,
        advice:
          'See whether the function app runs and the function is enabled; then its storage account, where timers keep their leases; then restart the app (Azure/azure-functions-host#11828).',
      };
      return late.some(({ status }) => status === 'dead') ? critical(trouble) : warning(trouble);
    },
  },
  {
    id: 'telemetry',
    applies: ({ telemetryEndpoint }) => telemetryEndpoint !== undefined,
    run: async ({ telemetryEndpoint: url }, clock, signal) => {
      if (!url) return pass('No telemetry endpoint is set.');
      const line = new Line(url.hostname, Number(url.port || (url.protocol === 'http:' ? 80 : 443)), clientWords.https);
      const start = clock.elapsed();
      try {
        await line.resolve();
        await line.connect(signal);
        if (url.protocol !== 'http:') await line.secure({ name: url.hostname, checked: true }, signal);
        return pass(`${line.target} can be reached.`, [
          { what: 'time to connect', value: Math.round(clock.elapsed() - start), unit: 'ms' },
        ]);
      } catch (error) {
        const { code, message, advice } = toErrorReport(error);
        return critical({
          cause: 'telemetry_unreachable',
          what: `Telemetry does not arrive (${code}): ${message}`,
          evidence: [{ what: 'endpoint', value: line.target }],
          advice: `${advice} Without telemetry no alert fires.`,
        });
      } finally {
        line.close();
      }
    },
  },
  {
    id: 'versions',
    timeLimitMs: 1_000,
    run: async ({ nodeVersion, leastNodeMajor }) => {
      const evidence = [{ what: 'Node.js', value: nodeVersion }];
      if (Number.parseInt(nodeVersion, 10) >= leastNodeMajor)
        return pass('Node.js is one that this tool is made for.', evidence);
      return warning({
        cause: 'node_too_old',
        what: `Node.js ${nodeVersion} is older than this tool is made for.`,
        evidence,
        advice: `Use Node.js ${leastNodeMajor} or later.`,
      });
    },
  },
];

export const selfChecks = checks.map(
  (check): Check<SelfSubject> => ({ symptom: 'maintenance', timeLimitMs: 15_000, ...check }),
);
