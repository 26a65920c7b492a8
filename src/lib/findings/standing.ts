import { z } from 'zod';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Finding } from './finding.ts';

const stateKey = 'findings';
/** What was judged last, kept over restarts: which findings stood since when, and since when each job could have run. */
const standingState = z.object({
  judgedAt: z.iso.datetime(),
  /** Since when the app judges without a gap. */
  upSince: z.iso.datetime(),
  /** By check, level and subject. */
  findings: z.record(z.string(), z.iso.datetime()),
  /** By job and subject: when it was first judged. */
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

/**
 * Since when a job could have run on a subject: it was known, and the app was up. That was down where nothing was judged for
 * `downMs`; what is missing then is given its turn first.
 */
export function couldRunSince(state: StandingState | undefined, now: Date, downMs: number) {
  const upSince = state && !isDown(state, now, downMs) ? Date.parse(state.upSince) : now.getTime();
  return (job: string, subject: string) => {
    const known = state?.known[`${job}|${subject}`];
    return new Date(Math.max(upSince, known === undefined ? now.getTime() : Date.parse(known)));
  };
}

const isDown = ({ judgedAt }: StandingState, now: Date, downMs: number) =>
  now.getTime() - Date.parse(judgedAt) > downMs;

/** Check, level and subject of a finding: what the metric tells of it. */
export const keyOf = ({ check, level, subject }: Pick<Finding, 'check' | 'level' | 'subject'>) =>
  `${check}|${level}|${subject}`;

/** The findings with the time since when they stand, as far as it is known. */
export function withSince(findings: readonly Finding[], state: StandingState | undefined): Finding[] {
  return findings.map((finding) => ({ ...finding, since: finding.since ?? state?.findings[keyOf(finding)] ?? null }));
}

/** The state that this judgement leaves. Subjects that are gone from the settings go with their jobs. */
export function nextState(
  before: StandingState | undefined,
  findings: readonly Finding[],
  jobs: readonly { job: string; subject: string }[],
  now: Date,
  downMs: number,
): StandingState {
  const at = now.toISOString();
  return {
    judgedAt: at,
    upSince: before && !isDown(before, now, downMs) ? before.upSince : at,
    findings: Object.fromEntries(findings.map((finding) => [keyOf(finding), before?.findings[keyOf(finding)] ?? at])),
    known: Object.fromEntries(
      jobs.map(({ job, subject }) => [`${job}|${subject}`, before?.known[`${job}|${subject}`] ?? at]),
    ),
  };
}
