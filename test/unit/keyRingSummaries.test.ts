import { describe, expect, it } from 'vitest';
import type { RewrapReport } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { summarizeRewrap, summarizeRotate } from '../../src/lib/keyRing/jobs/summaries.ts';
import { reports } from '../support/reports.ts';

const report = (changes: Partial<RewrapReport>): RewrapReport => ({
  outcome: 'nothingToDo',
  dryRun: false,
  newest: 'NEW',
  keys: [],
  failed: [],
  stillNeeded: [],
  copy: null,
  noLongerNeeded: [],
  ...changes,
});
const failed = [{ id: 'one', code: 'key_protected_otherwise', message: 'x' }];

describe('the line about a re-wrap', () => {
  it.each([
    [{}, 'nothing to do, every key that counts is protected with NEW'],
    [{ failed }, 'no key re-wrapped to NEW, 1 could not be'],
    [{ outcome: 'rewrapped' as const, keys: ['two'], failed }, '1 keys re-wrapped to NEW, 1 could not be'],
  ])('of %o', (changes, line) => {
    expect(summarizeRewrap(report(changes))).toBe(line);
  });
});

it('says of a rotation what else it did', () => {
  const { rotate } = reports;
  const rewrap = report({ outcome: 'rewrapped', keys: ['one', 'two'] });
  const line = summarizeRotate({ ...rotate, outcome: 'nothingToDo', keys: [], rewrap, prune: null });
  expect(line).toBe(`no key due, 2 keys re-wrapped, next action ${rotate.nextActionAt}`);
});
