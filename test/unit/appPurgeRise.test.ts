import { expect, it } from 'vitest';
import { type AppPurgeLook, withRise } from '../../src/lib/sql/appPurgeRise.ts';
import type { AppPurge } from '../../src/lib/sql/cacheTable.ts';

const at = (minutesAgo: number) => new Date(Date.UTC(2026, 0, 5) - minutesAgo * 60_000).toISOString();
const look = (minutesAgo: number, appPurge: AppPurge): AppPurgeLook => ({ at: at(minutesAgo), appPurge });
const counted = (minutesAgo: number, runs: number, roseAt: string | null = null) =>
  look(minutesAgo, { state: 'counted', runs, longest: 'PT1S', roseAt });
const unknown = look(5, { state: 'unknown', reason: 'no right' });
const running = look(5, {
  state: 'running',
  lastRunAt: at(7),
  lastDuration: 'PT1S',
  lastOutcome: 'unknown',
  longest: 'PT1S',
  runs: 4,
});

it.each([
  ['is not known from one look', [], null],
  ['is a look that saw more', [counted(5, 3)], at(0)],
  ['is the first run', [look(5, { state: 'notSeen' })], at(0)],
  ['stays what an earlier look saw', [counted(5, 4, at(30)), counted(35, 3)], at(30)],
  ['is when a session last showed it', [running], at(7)],
  ['is not told by a look that could not tell', [unknown, counted(10, 3)], at(0)],
  ['is not told by statistics that were reset', [counted(5, 90)], null],
  ['is not told by a look of the day before', [counted(25 * 60, 3)], null],
] as const)('the last rise of runs that are only counted %s', (_case, earlier, roseAt) => {
  expect(withRise(counted(0, 4), earlier)).toMatchObject({ state: 'counted', runs: 4, roseAt });
});

it('what is more than a count is as the look told it', () => {
  expect(withRise(running, [counted(5, 1)])).toBe(running.appPurge);
  expect(withRise(unknown, [counted(5, 1)])).toBe(unknown.appPurge);
});
