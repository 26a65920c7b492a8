import { MaintenanceError } from '../errors.ts';

export type JobName = 'purge' | 'index' | 'counts' | 'clear' | 'redis' | 'app' | 'keyRing';

/** A setting that cannot be used: its name, and what is expected. Never its value: it may be a secret. */
export interface SettingProblem {
  setting: string;
  message: string;
  /** The cache that cannot be served because of it; undefined where it concerns all of them. */
  cache?: string;
  /** The key ring that cannot be served because of it. */
  ring?: string;
  /** The jobs that must not run with it; undefined for all, none where the default serves well enough. */
  jobs?: readonly JobName[];
  /** Every run goes on, also where an operator waits at a terminal: what is lost without it is said by the run itself. */
  runsGoOn?: true;
}

/** What keeps a cache or ring from being read: one setting, and what is expected of it. */
export class UnusableSetting extends Error {
  readonly setting: string;

  constructor(setting: string, message: string) {
    super(message);
    this.setting = setting;
  }
}

/** The setting's value as `parse` reads it. @throws UnusableSetting with the parser's own reason */
export function parsed<T>(setting: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MaintenanceError)) throw error;
    throw new UnusableSetting(setting, `cannot be used: ${error.message} ${error.advice.replace(/\.$/, '')}`);
  }
}

/** What is read, or a problem that concerns it alone. */
export function readOne<T>(problems: SettingProblem[], concern: Partial<SettingProblem>, read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (!(error instanceof UnusableSetting)) throw error;
    problems.push({ setting: error.setting, message: error.message, ...concern });
    return [];
  }
}

/** Whether a job on a cache must not run because of the problem. */
export function stops(problem: SettingProblem, job: JobName, cache: string): boolean {
  return problem.ring === undefined && (problem.cache ?? cache) === cache && (problem.jobs?.includes(job) ?? true);
}

/** Whether no job on a key ring must run because of the problem. */
export function stopsRing(problem: SettingProblem, ring: string): boolean {
  return problem.cache === undefined && (problem.ring ?? ring) === ring && (problem.jobs?.includes('keyRing') ?? true);
}

export function describeProblem({ setting, message, cache, ring }: SettingProblem): string {
  return `${setting} ${message}${cache ? ` (cache ${cache})` : ''}${ring ? ` (ring ${ring})` : ''}.`;
}

/** All problems in one error, for a run that cannot begin because of them. */
export function settingsError(problems: readonly SettingProblem[]): MaintenanceError {
  return new MaintenanceError(
    'settings_invalid',
    problems.map(describeProblem).join(' '),
    'Correct the settings; docs/reference/settings.md lists them all.',
  );
}
