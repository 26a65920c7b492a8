import type { Level } from '../../level.ts';
import { type Grade, levelOf } from '../levels.ts';
import type { Thresholds } from '../policy.ts';

/** What a rule says of a subject: how bad, what it saw, and what to do. */
export interface Judgement {
  level: Level;
  what: string;
  advice: string;
}

/** One row of the table: a name that stays the same over versions, and how a subject is judged. */
export interface Rule<S> {
  check: string;
  /** What its findings are called, where that differs by level. */
  nameOf?(level: Level): string;
  /** It tells of what happened between two looks, which the next one no longer sees. */
  isEvent?: true;
  /** @param previous the level at the last look, for the hysteresis of graded rules */
  judge(subject: S, thresholds: Thresholds, previous: Level | undefined): Judgement | undefined;
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
