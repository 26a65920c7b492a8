import type { RecordStore } from '../../../runs/recordStore.ts';
import type { SettingProblem } from '../../../settings/problems.ts';
import type { TimerReading } from '../../timers.ts';

/** This tool itself, as far as a diagnosis may ask. */
export interface SelfSubject {
  settingProblems: readonly SettingProblem[];
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
