import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Level } from '../level.ts';

/** What users and operators notice: each is a section of a page of docs/runbook. */
export const symptoms = {
  connection: { title: 'Connection failures', page: 'connection' },
  deserialization: { title: 'Deserialization errors after an upgrade', page: 'entries' },
  encryption: { title: 'Encryption key mismatch', page: 'entries' },
  memory: { title: 'Memory growth', page: 'redis-memory' },
  prompts: { title: 'Repeated sign-in prompts', page: 'sign-ins' },
  slow: { title: 'Slow cache', page: 'slow' },
  eviction: { title: 'Redis eviction', page: 'redis-memory' },
  growth: { title: 'SQL table growth', page: 'sql-table' },
  emptyAfterRestart: { title: 'Empty cache after restart', page: 'sign-ins' },
  maintenance: { title: 'The maintenance itself', page: 'app' },
} as const;
export type Symptom = keyof typeof symptoms;

export const checkStatus = z.enum(['critical', 'warning', 'unknown', 'pass']).meta({
  description: '`critical`: a cause of trouble now. `warning`: look by day. `unknown`: it could not be looked at.',
});
export type CheckStatus = z.infer<typeof checkStatus>;

/** A figure that a result rests on. Never an entry's content, and no secret. */
const evidence = z.object({
  what: z.string(),
  value: z.union([z.number(), z.string()]),
  unit: z.string().optional(),
});
export type Evidence = z.infer<typeof evidence>;

export const outcome = z.object({
  status: checkStatus,
  cause: z.string().nullable().meta({ description: 'Stable name of what is wrong; null where nothing is.' }),
  what: z.string(),
  evidence: z.array(evidence),
  advice: z.string().nullable().meta({
    description: 'What to do; of `unknown`, what the look would need. Null where nothing is to be done.',
  }),
});
export type Outcome = z.infer<typeof outcome>;

/** One thing that is looked at, on one kind of subject. Reads only. */
export interface Check<S> {
  /** Stable, unique among all checks. */
  id: string;
  symptom: Symptom;
  /** It is given up after this time, and becomes `unknown`. */
  timeLimitMs: number;
  /** False where it has nothing to say of the subject: it is then left out. */
  applies?(subject: S): boolean;
  run(subject: S, clock: Clock, signal: AbortSignal): Promise<Outcome>;
}

/** Checks of one symptom, by their ids. */
export function checksOf<S>(
  symptom: Symptom,
  timeLimitMs: number,
  runs: Record<string, Check<S>['run']>,
  applies: (subject: S) => boolean = () => true,
): Check<S>[] {
  return Object.entries(runs).map(([id, run]) => ({ id, symptom, timeLimitMs, applies, run }));
}

export function pass(what: string, evidence: Evidence[] = []): Outcome {
  return { status: 'pass', cause: null, what, evidence, advice: null };
}

type Trouble = { cause: string; what: string; evidence?: Evidence[]; advice: string };

export function warning(trouble: Trouble): Outcome {
  return { status: 'warning', evidence: [], ...trouble };
}

export function critical(trouble: Trouble): Outcome {
  return { status: 'critical', evidence: [], ...trouble };
}

/** A finding as an outcome: a note says nothing against the subject. */
export function outcomeOf({ level, what, advice }: Found, cause: string, evidence: Evidence[] = []): Outcome {
  return level === 'info' ? pass(what, evidence) : { status: level, cause, what, evidence, advice };
}
type Found = { level: Level; what: string; advice: string };

/** @param needs what the look would need */
export function unknown(cause: string, what: string, needs: string, evidence: Evidence[] = []): Outcome {
  return { status: 'unknown', cause, what, evidence, advice: needs };
}

/** The worst first. */
export const statusOrder: readonly CheckStatus[] = checkStatus.options;

/** The worst outcome, with what all that are as bad say, their figures and their advice. */
export function worst(outcomes: readonly Outcome[], otherwise: Outcome): Outcome {
  const status = statusOrder.find((each) => outcomes.some((outcome) => outcome.status === each));
  const same = outcomes.filter((outcome) => outcome.status === status);
  const [first] = same;
  if (!first || status === 'pass') return first ?? otherwise;
  return {
    ...first,
    what: same.map(({ what }) => what).join(' '),
    evidence: same.flatMap(({ evidence }) => evidence),
    advice: [...new Set(same.flatMap(({ advice }) => advice ?? []))].join(' '),
  };
}
