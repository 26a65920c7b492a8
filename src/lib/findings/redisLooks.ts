import type { FindingPolicy } from '../findingPolicy.ts';
import { isReal, type JobHistory } from '../runs/history.ts';
import { flapRuns } from './judgeRuns.ts';
import { intervalOf } from './timers.ts';

/** The real looks at a Redis cache that saw something, the newest first; `at` in ms since 1970. */
export function looksOf({ runs }: JobHistory<'redis'>) {
  return runs.flatMap((run) =>
    isReal(run) && run.report ? [{ at: Date.parse(run.startedAt), findings: run.report.findings }] : [],
  );
}

/** What happened between two looks is told for so long, by two judgements at least, since the next look no longer sees it. */
export const eventMs = ({ schedule }: FindingPolicy, now: Date) => Math.max(1_800_000, 2 * intervalOf(schedule, now));

/** Whether the records hold every event that is still to be told, and enough looks to see a node come and go. */
export function tellEvents(history: JobHistory<'redis'>, policy: FindingPolicy, now: Date): boolean {
  const oldest = looksOf(history)[flapRuns - 1] && history.runs.at(-1);
  return oldest !== undefined && now.getTime() - Date.parse(oldest.startedAt) > eventMs(policy, now);
}
