import type { Level } from '../level.ts';
import type { Thresholds } from './policy.ts';
import type { Rule } from './rules/rule.ts';
import { recordStoreCheck, unreachableCheck } from './rules/rules.ts';
import { levelKey, type WatchState } from './state.ts';
import type { UnreachableError } from './unreachable.ts';
import type { WatchFinding } from './watchReport.ts';

/** Levels of the last look, and where those of this one go. */
export interface Levels {
  held: WatchState['levels'];
  next: WatchState['levels'];
  now: Date;
}

/** The findings of a table of rules about one subject. */
export function judge<S>(
  rules: readonly Rule<S>[],
  subject: S,
  node: string | null,
  thresholds: Thresholds,
  levels: Levels,
): WatchFinding[] {
  return rules.flatMap(({ check, nameOf, judge: judgeBy }) => {
    const judgement = judgeBy(subject, thresholds, levels.held[levelKey(check, node)]?.level);
    if (!judgement) return [];
    const name = nameOf?.(judgement.level) ?? check;
    return [{ check: name, node, ...judgement, since: enter(check, node, judgement.level, levels) }];
  });
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
