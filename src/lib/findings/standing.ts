import { z } from 'zod';
import { isAhead } from '../clock.ts';
import { worstFirst } from '../level.ts';
import { type JobName, jobs } from '../runs/catalogue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { type Finding, finding } from './finding.ts';
import { absentChecks } from './judgeRuns.ts';
import { titleOf } from './subjectRecords.ts';
import { intervalOf } from './timers.ts';

const stateKey = 'findings';
/** The app was down where so many judgements are missing: what is missing then is given its turn first. */
const missedJudgements = 3;
const leastDownMs = 900_000;
/**
 * Findings are kept with their words up to so many characters, the worst first, and without up to so many in all: each gets its 0
 * as it goes, beside what else is kept. An entity of the table holds 524,288.
 */
const keptLength = 200_000;
const keptInAll = 500_000;
const wordless = 'It was found before; its words did not fit into what is kept.';

/** What was judged last, kept over restarts: the findings that stood, and since when each job could have run. */
const standingState = z.object({
  judgedAt: z.iso.datetime(),
  /** Since when the app judges without a gap. */
  upSince: z.iso.datetime(),
  /** Whole: where they cannot be judged anew, these go on standing. */
  findings: z.array(finding),
  /** When each subject, and each schedule of a job, was first judged. */
  known: z.record(z.string(), z.iso.datetime()),
  /** The subjects that were judged, and from when on the records of each count. */
  subjects: z.record(z.string(), z.iso.datetime()).optional(),
});
export type StandingState = z.infer<typeof standingState>;

/** What this process knows though the record store cannot be read. */
export interface StandingMemory {
  /** Its last judgement. */
  last?: StandingState;
  /** What it told before it could read any. */
  told: readonly Finding[];
}

/** Undefined where nothing was judged yet. @throws where the records cannot be read */
export async function readStanding(records: RecordStore): Promise<StandingState | undefined> {
  return standingState.safeParse(await records.readState(stateKey)).data;
}

/**
 * What was judged last, as seen at `now`: by another process, which may have judged later, or by this one, which knows more than
 * it could keep.
 */
export function lastJudged(kept: StandingState | undefined, own: StandingState | undefined, now: Date) {
  const last = kept && own ? (own.judgedAt >= kept.judgedAt ? own : kept) : (kept ?? own);
  return last && asSeenAt(now, last);
}

/** What a fast clock dated ahead was before now, and when is not known: it counts as of now, or nothing would be missing until then. */
function asSeenAt(now: Date, { upSince, findings, known, subjects, ...state }: StandingState): StandingState {
  const seen = (at: string) => (isAhead(at, now) ? now.toISOString() : at);
  const allSeen = (all: Record<string, string>) =>
    Object.fromEntries(Object.entries(all).map(([key, at]) => [key, seen(at)]));
  return {
    ...state,
    upSince: seen(upSince),
    findings: findings.map((each) => ({ ...each, what: each.what || wordless, since: each.since && seen(each.since) })),
    known: allSeen(known),
    subjects: subjects && allSeen(subjects),
  };
}

export async function keepStanding(records: RecordStore, state: StandingState): Promise<void> {
  const others = JSON.stringify({ ...state, findings: [] }).length;
  let length = 0;
  const findings = worstFirst(state.findings).flatMap((each) => {
    const withWords = length + JSON.stringify(each).length <= keptLength;
    const kept = withWords ? each : { ...each, what: '', advice: '' };
    length += JSON.stringify(kept).length + 1;
    return others + length <= keptInAll ? kept : [];
  });
  await records.writeState(stateKey, { ...state, findings });
}

/** A job that a timer runs on a subject. */
export interface TimedJob {
  job: JobName;
  subject: string;
  schedule: string;
}

const knownKeys = ({ job, subject, schedule }: TimedJob) => [`${jobs[job].on}|${subject}`, `${job}|${schedule}`];

/**
 * Since when a job could have run on a subject by its schedule: both were known, and the app was up. One that was told as absent
 * gets no other turn: only a success ends that.
 */
export function couldRunSince(state: StandingState | undefined, judging: string, now: Date) {
  const upSince = wasUp(state, judging, now) ? Date.parse(state.upSince) : now.getTime();
  return (job: JobName, subject: string, schedule: string) => {
    const told = state?.findings.find(
      (each) => each.check === absentChecks[job] && each.subject === titleOf({ kind: jobs[job].on, name: subject }),
    );
    if (told?.since) return new Date(told.since);
    const known = knownKeys({ job, subject, schedule }).map((key) => state?.known[key]);
    return new Date(Math.max(upSince, ...known.map((at) => (at === undefined ? now.getTime() : Date.parse(at)))));
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

/** Longer than a job takes to come again: of a subject that was away, what is older than that tells nothing of now. */
const awayMs = 7 * 86_400_000;

/** From when on the records of a subject count: one that was not judged last may have been out of the settings for long. */
export function countsFrom(state: StandingState | undefined, subject: string): Date {
  const judged = state?.subjects;
  if (!judged) return new Date(0);
  return new Date(judged[subject] ?? Math.max(0, Date.parse(state.judgedAt) - awayMs));
}

/** Check, level and subject of a finding: what the metric tells of it. */
export const keyOf = ({ check, level, subject }: Pick<Finding, 'check' | 'level' | 'subject'>) =>
  `${check}|${level}|${subject}`;

/**
 * What stands: what was found, with the time since when as far as it is known, and of what stood before that of which nobody
 * can say that it is over.
 */
export function standingOf(
  found: readonly Finding[],
  before: readonly Finding[],
  isJudged: (finding: Finding) => boolean,
): Finding[] {
  const stood = new Map(before.map((each) => [keyOf(each), each]));
  const keys = new Set(found.map(keyOf));
  return worstFirst([
    ...found.map((each) => ({ ...each, since: each.since ?? stood.get(keyOf(each))?.since ?? null })),
    ...before.filter((each) => !keys.has(keyOf(each)) && !isJudged(each)),
  ]);
}

/** The state that a judgement leaves by which these findings stand. A job goes with its subject, and where its timer is switched off. */
export function nextState(
  before: StandingState | undefined,
  standing: readonly Finding[],
  timed: readonly TimedJob[],
  subjects: readonly string[],
  judging: string,
  now: Date,
): StandingState {
  const at = now.toISOString();
  return {
    judgedAt: at,
    upSince: wasUp(before, judging, now) ? before.upSince : at,
    findings: standing.map((each) => ({ ...each, since: each.since ?? at })),
    known: Object.fromEntries(timed.flatMap(knownKeys).map((key) => [key, before?.known[key] ?? at])),
    subjects: Object.fromEntries(subjects.map((subject) => [subject, countsFrom(before, subject).toISOString()])),
  };
}
