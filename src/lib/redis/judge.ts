import type { Level } from '../level.ts';
import type { Thresholds } from './policy.ts';
import type { Rule } from './rules/rule.ts';
import { recordStoreCheck, unreachableCheck } from './rules/rules.ts';
import { levelKey, type WatchState } from './state.ts';
import type { UnreachableError } from './unreachable.ts';
import type { Unjudged, WatchFinding } from './watchReport.ts';

/** Levels of the last look, and where those of this one go. */
export interface Levels {
  held: WatchState['levels'];
  next: WatchState['levels'];
  now: Date;
}

/** What a table of rules says of one subject. */
export interface Judged {
  findings: WatchFinding[];
  unjudged: Unjudged[];
}

/** A rule whose figures the server does not give holds the level that it had. */
export function judge<S>(
  rules: readonly Rule<S>[],
  subject: S,
  node: string | null,
  thresholds: Thresholds,
  levels: Levels,
): Judged {
  const judged: Judged = { findings: [], unjudged: [] };
  for (const { check, nameOf, judge: judgeBy } of rules) {
    const key = levelKey(check, node);
    const held = levels.held[key];
    const judgement = judgeBy(subject, thresholds, held?.level);
    if (!judgement) continue;
    if ('unseen' in judgement) {
      judged.unjudged.push({ check, node, missing: judgement.unseen });
      if (held) levels.next[key] = held;
      continue;
    }
    const name = nameOf?.(judgement.level) ?? check;
    judged.findings.push({ check: name, node, ...judgement, since: enter(check, node, judgement.level, levels) });
  }
  return judged;
}

/** An endpoint that a cluster gets on without is worth a warning, for the app's next start. */
export function unreachableFinding(
  node: string,
  error: UnreachableError,
  seedOnly: boolean,
  levels: Levels,
): WatchFinding {
  const level = seedOnly ? 'warning' : 'critical';
  return {
    check: unreachableCheck,
    level,
    node,
    what: error.message,
    advice: error.advice,
    since: enter(unreachableCheck, node, level, levels),
    step: error.step,
  };
}

/** The state is what failed: the level cannot be held in it. */
export function recordStoreFinding(unread: boolean, now: Date): WatchFinding {
  return {
    check: recordStoreCheck,
    level: 'warning',
    node: null,
    what: `The ${unread ? 'last readings could not be read from' : 'readings could not be kept in'} the record store.`,
    advice:
      'Without them there are no rates, no forecast and no hysteresis. Check RECORD_STORE, and the rights of the identity on the store.',
    since: now.toISOString(),
  };
}

function enter(check: string, node: string | null, level: Level, { held, next, now }: Levels): string {
  const key = levelKey(check, node);
  const before = held[key];
  const entry = before?.level === level ? before : { level, since: now.toISOString() };
  next[key] = entry;
  return entry.since;
}
