import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../lib/durations.ts';

/** Readers of option values, for commander: each gives a value or says what it expects. */

/** Milliseconds of an ISO 8601 duration. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected an ISO 8601 duration, such as PT5M or P7D.');
  return ms;
}

/** 1 or more. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('Expected a whole number of 1 or more.');
  return Number(text);
}
