import { humanDuration } from '../../durations.ts';
import type { Level } from '../../level.ts';
import type { Counters } from '../nodeFigures.ts';
import type { Thresholds } from '../policy.ts';
import type { NodeSubject } from '../subject.ts';

/** What a rule says of a subject: how bad, what it saw, and what to do. */
export interface Judgement {
  level: Level;
  what: string;
  advice: string;
}

/** A rule without the figure that it judges by: what the server does not give, in words. */
export interface Unseen {
  unseen: string;
}

/** One row of the table: a name that stays the same over versions, and how a subject is judged. */
export interface Rule<S> {
  check: string;
  /** What its findings are called, where that differs by level. */
  nameOf?(level: Level): string;
  /** It tells of what happened between two looks, which the next one no longer sees. */
  isEvent?: true;
  /** @param previous the level at the last look, for the hysteresis of graded rules */
  judge(subject: S, thresholds: Thresholds, previous: Level | undefined): Judgement | Unseen | false | undefined;
}

interface Grade {
  value: number;
  /** Beyond which the level is entered; a level without one is never entered. */
  warning?: number;
  critical?: number;
  /** How far a value must come back before its level is left. */
  margin: number;
  /** Small values are the bad ones. */
  low?: boolean;
}

/**
 * The level of a value, with hysteresis: a level is entered beyond its threshold and left only when the value has come
 * back by the margin (or half the threshold, where that is less), so that a value at a threshold raises one alert, not many.
 */
export function levelOf(
  { value, warning, critical, margin, low = false }: Grade,
  previous: Level | undefined,
): Level | undefined {
  const beyond = (threshold: number | undefined, held: boolean): boolean => {
    if (threshold === undefined) return false;
    const back = held ? Math.min(margin, threshold / 2) : 0;
    return low ? value < threshold + back : value > threshold - back;
  };
  if (beyond(critical, previous === 'critical')) return 'critical';
  return beyond(warning, previous === 'warning' || previous === 'critical') ? 'warning' : undefined;
}

/** A judgement whose level is that of a value beyond its thresholds. */
export function graded(
  grade: Grade,
  previous: Level | undefined,
  words: () => Omit<Judgement, 'level'>,
): Judgement | undefined {
  const level = levelOf(grade, previous);
  return level && { level, ...words() };
}

const counterNames: Record<keyof Counters, string> = {
  evicted: 'how many entries were evicted',
  expired: 'how many entries expired',
  rejectedConnections: 'how many connections were rejected',
  refusedWrites: 'how many writes were refused',
  hits: 'how many look-ups found their entry',
  misses: 'how many look-ups found no entry',
};

/**
 * A judgement by a count of the server: a note of what it counted before the first look, and later by what came since the
 * last one.
 */
export function counted(
  { change, figures }: NodeSubject,
  name: keyof Counters,
  before: (total: number) => string,
  since: (count: number, time: string) => Omit<Judgement, 'advice'> | undefined,
  advice: string,
): Judgement | Unseen | undefined {
  if (figures.counters[name] === null) return { unseen: counterNames[name] };
  const count = (change ? change.counts : figures.counters)[name];
  if (!count) return undefined;
  if (!change) return { level: 'info', what: before(count), advice };
  const found = since(count, humanDuration(change.seconds * 1000));
  return found && { ...found, advice };
}
