import type { Level } from './level.ts';

/** When the judges speak, and how loudly; docs/reference/settings.md explains each. Durations in ms. */
export interface FindingPolicy {
  /** When the judges work (`schedules.ts`). */
  schedule: string;
  /** Runs in a row that must be missing. */
  absentRuns: number;
  /** Purges in a row that left something, of which the last ones left more than the first. */
  backlogRuns: number;
  /** Beyond the grace of the purge. */
  oldestExpiredMs: number;
  tableSizeBytes: number;
  /** How long before a ring has no default key. */
  defaultKeyMs: number;
  /** A web app: per cent of the look-ups, mean of the distributed cache, per cent of the calls, bytes an hour of one process. */
  app: { hitRatio: number; latencyMs: number; failures: number; memoryGrowthBytes: number };
  /** Levels other than those of the judges, by check; `off` for none. */
  levels: ReadonlyMap<string, Level | 'off'>;
}

/** Whether nobody wants to be told of a check: then it explains no other finding away either. */
export const isOff = ({ levels }: Pick<FindingPolicy, 'levels'>, check: string) => levels.get(check) === 'off';
