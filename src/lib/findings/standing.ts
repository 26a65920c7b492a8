import { z } from 'zod';
import { isAhead } from '../clock.ts';
import { worstFirst } from '../level.ts';
import { type JobName, jobs } from '../runs/catalogue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import { type Finding, finding } from './finding.ts';
import { intervalOf } from './timers.ts';

const stateKey = 'findings';
/** The app was down where so many judgements are missing: what is missing then is given its turn first. */
const missedJudgements = 3;
const leastDownMs = 900_000;
/**
 * Findings are kept with their words up to so many characters, the worst first, and without up to so many in all: each gets its 0
 * as it goes. An entity of the table holds 524,288.
 */
const keptLength = 200_000;
const keptInAll = 450_000;
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
function asSeenAt(now: Date, { upSince, findings, known, ...state }: StandingState): StandingState {
  const seen = (at: string) => (isAhead(at, now) ? now.toISOString() : at);
  return {
    ...state,
    upSince: seen(upSince),
    findings: findings.map((each) => ({ ...each, what: each.what || wordless, since: each.since && seen(each.since) })),
    known: Object.fromEntries(Object.entries(known).map(([key, at]) => [key, seen(at)])),
  };
}

export async function keepStanding(records: RecordStore, state: StandingState): Promise<void> {
  let length = 0;
  const findings = worstFirst(state.findings).flatMap((each) => {
    const withWords = length + JSON.stringify(each).length <= keptLength;
    const kept = withWords ? each : { ...each, what: '', advice: '' };
    length += JSON.stringify(kept).length;
    return length <= keptInAll ? kept : [];
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

/** Since when a job could have run on a subject by its schedule: both were known, and the app was up. */
export function couldRunSince(state: StandingState | undefined, judging: string, now: Date) {
  const upSince = wasUp(state, judging, now) ? Date.parse(state.upSince) : now.getTime();
  return (job: JobName, subject: string, schedule: string) => {
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
  judging: string,
  now: Date,
): StandingState {
  const at = now.toISOString();
  return {
    judgedAt: at,
    upSince: wasUp(before, judging, now) ? before.upSince : at,
    findings: standing.map((each) => ({ ...each, since: each.since ?? at })),
    known: Object.fromEntries(timed.flatMap(knownKeys).map((key) => [key, before?.known[key] ?? at])),
  };
}
