import { z } from 'zod';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Finding } from './finding.ts';
import { intervalOf } from './timers.ts';

const stateKey = 'findings';
/** The app was down where so many judgements are missing: what is missing then is given its turn first. */
const missedJudgements = 3;
const leastDownMs = 900_000;

/** What was judged last, kept over restarts: which findings stood since when, and since when each job could have run. */
const standingState = z.object({
  judgedAt: z.iso.datetime(),
  /** Since when the app judges without a gap. */
  upSince: z.iso.datetime(),
  /** By {@link keyOf}. */
  findings: z.record(z.string(), z.iso.datetime()),
  /** By job, subject and schedule: when it was first judged. */
  known: z.record(z.string(), z.iso.datetime()),
});
export type StandingState = z.infer<typeof standingState>;

/** Undefined where nothing was judged yet. @throws where the records cannot be read */
export async function readStanding(records: RecordStore): Promise<StandingState | undefined> {
  return standingState.safeParse(await records.readState(stateKey)).data;
}

export async function keepStanding(records: RecordStore, state: StandingState): Promise<void> {
  await records.writeState(stateKey, state);
}

/** A job that a timer runs on a subject. */
export interface TimedJob {
  job: string;
  subject: string;
  schedule: string;
}

const knownKey = ({ job, subject, schedule }: TimedJob) => `${job}|${subject}|${schedule}`;

/** Since when a job could have run on a subject by its schedule: it was known, and the app was up. */
export function couldRunSince(state: StandingState | undefined, judging: string, now: Date) {
  const upSince = wasUp(state, judging, now) ? Date.parse(state.upSince) : now.getTime();
  return (job: string, subject: string, schedule: string) => {
    const known = state?.known[knownKey({ job, subject, schedule })];
    return new Date(Math.max(upSince, known === undefined ? now.getTime() : Date.parse(known)));
  };
}

/**
 * Whether the app has judged without a gap up to now.
 * @param judging the schedule by which it judges
 */
export function wasUp(state: StandingState | undefined, judging: string, now: Date): state is StandingState {
  if (!state) return false;
  const judgedAt = new Date(state.judgedAt);
  const downMs = Math.max(leastDownMs, missedJudgements * intervalOf(judging, judgedAt));
  return now.getTime() - judgedAt.getTime() <= downMs;
}

/** Check, level and subject of a finding: what the metric tells of it. */
export const keyOf = ({ check, level, subject }: Pick<Finding, 'check' | 'level' | 'subject'>) =>
  `${check}|${level}|${subject}`;

/** The findings with the time since when they stand, as far as it is known. */
export function withSince(findings: readonly Finding[], state: StandingState | undefined): Finding[] {
  return findings.map((finding) => ({ ...finding, since: finding.since ?? state?.findings[keyOf(finding)] ?? null }));
}

/** The state that a judgement leaves by which these findings stand. A job goes with its subject, and where its timer is switched off. */
export function nextState(
  before: StandingState | undefined,
  standing: readonly string[],
  jobs: readonly TimedJob[],
  judging: string,
  now: Date,
): StandingState {
  const at = now.toISOString();
  const kept = (times: Record<string, string> | undefined, keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, times?.[key] ?? at]));
  return {
    judgedAt: at,
    upSince: wasUp(before, judging, now) ? before.upSince : at,
    findings: kept(before?.findings, standing),
    known: kept(before?.known, jobs.map(knownKey)),
  };
}
