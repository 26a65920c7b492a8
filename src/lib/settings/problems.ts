import { MaintenanceError } from '../errors.ts';

export type JobName = 'purge' | 'index' | 'counts' | 'clear' | 'redis' | 'keyRing';

/** A setting that cannot be used: its name, and what is expected. Never its value: it may be a secret. */
export interface SettingProblem {
  setting: string;
  message: string;
  /** The cache that cannot be served because of it; undefined where it concerns all of them. */
  cache?: string;
  /** The cache's engine, as far as it is known. */
  engine?: 'sqlserver' | 'postgres' | 'redis';
  /** The key ring that cannot be served because of it. */
  ring?: string;
  /** The jobs that must not run with it; undefined for all, none where the default serves well enough. */
  jobs?: readonly JobName[];
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
    'Correct the settings; docs/settings.md lists them all.',
  );
}
