/** What is said of the app itself, and what all findings mean for its health. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/lib/findings/finding.ts';
import { healthOf } from '../../../src/lib/findings/judge.ts';
import { ago, judged, minute, soundSqlCache, standing } from '../../support/judging.ts';
import { failed, record } from '../../support/records.ts';

const queue = (poison: number | undefined, waitedMinutes?: number) => ({
  name: 'work',
  poison: poison === undefined ? undefined : { name: 'work-poison', count: poison, messages: [] },
  nextSince: waitedMinutes === undefined ? undefined : ago(waitedMinutes * minute),
});

describe('the app', () => {
  it('with settings that cannot be used is critical, each one a finding', () => {
    const settingProblems = [
      { setting: 'PURGE_GRACE', message: 'must be a duration' },
      { setting: 'REDIS_TIMEOUT', message: 'must be a duration' },
    ];
    expect(standing([], { settingProblems })).toMatchObject([
      {
        check: 'settings',
        level: 'critical',
        subject: 'token-cache-maintenance',
        what: expect.stringContaining('PURGE_GRACE'),
      },
      { check: 'settings', what: expect.stringContaining('REDIS_TIMEOUT') },
    ]);
  });

  it('whose records are not kept, or cannot be read, says so', () => {
    expect(judged([], { recordStore: 'none' })).toEqual(['records-off info']);
    expect(judged([], { statesReadable: false })).toEqual(['records-unreadable critical']);
  });

  it('has what is always a note as loud as the settings say', () => {
    const levels = { FINDING_LEVELS: 'records-off=warning' };
    expect(judged([], { recordStore: 'none' }, levels)).toEqual(['records-off warning']);
  });

  it.each([
    ['ok', 'PT10M', []],
    ['late', 'PT36M', ['timer-late warning']],
    ['dead', 'PT2H', ['timer-late critical']],
  ] as const)('has a finding for each timer that is not %s', (status, lateness, told) => {
    const timer = { name: 'purgeExpiredEntries', status, lateness, lastStart: null, nextStart: null };
    expect(judged([], { timers: [timer] })).toEqual(told);
  });

  it.each([
    [0, []],
    [2, ['poison-messages warning']],
    [undefined, ['queue-unreadable warning']],
  ])('says that %s messages were given up', (count, told) => {
    expect(judged([], { queue: queue(count) })).toEqual(told);
  });

  it('says of messages that were given up with which commands to look at them, and put them back', () => {
    expect(standing([], { queue: queue(1) })).toMatchObject([
      {
        subject: 'queue work',
        what: expect.stringContaining('1 message failed 5 times'),
        advice: expect.stringMatching(/queue list.*queue retry --execute/),
      },
    ]);
  });

  it('leaves out messages of a job of which it says already that it fails', () => {
    const broken = soundSqlCache({ purge: [record('purge', 'web', ago(5 * minute), failed())] });
    const known = [{ job: 'purge' as const, subject: 'web' }];
    const other = [{ job: 'purge' as const, subject: 'gone' }];
    const of = (count: number, messages: typeof known) =>
      judged(broken, {
        couldRunSince: () => ago(minute),
        queue: { ...queue(0), poison: { name: 'p', count, messages } },
      });
    expect(of(1, known)).toEqual(['job-failures warning']);
    expect(of(2, known)).toEqual(['poison-messages warning', 'job-failures warning']);
    expect(of(2, [...known, ...other])).toEqual(['poison-messages warning', 'job-failures warning']);
    // Nor does it say it anew while it cannot read whether it does.
    const unreadable = { ...broken, purge: { ...broken.purge, runs: [], failures: [], unreadable: true as const } };
    const ofUnreadable = (messages: typeof known) =>
      judged(unreadable, { queue: { ...queue(0), poison: { name: 'p', count: 1, messages } } });
    expect(ofUnreadable(known)).toEqual(['records-unreadable critical']);
    expect(ofUnreadable(other)).toEqual(['records-unreadable critical', 'poison-messages warning']);
  });

  it.each([
    [45, []],
    [46, ['queue-idle warning']],
    [120, ['queue-idle warning']],
    [121, ['queue-idle critical']],
  ])('says, when the next message of the queue has waited for %i minutes, %j', (minutes, told) => {
    expect(judged([], { queue: queue(0, minutes) })).toEqual(told);
  });
});

describe('findings', () => {
  const settingProblems = [{ setting: 'PURGE_GRACE', message: 'must be a duration' }];

  it('have the levels of the settings, in their order, and may be switched off', () => {
    const broken = soundSqlCache({ purge: [record('purge', 'web', ago(5 * minute), failed())] });
    const changes = { settingProblems, couldRunSince: () => ago(minute), queue: queue(1) };
    expect(judged(broken, changes)).toEqual(['settings critical', 'poison-messages warning', 'job-failures warning']);
    const env = { FINDING_LEVELS: 'settings=info, job-failures=critical,poison-messages=off' };
    expect(judged(broken, changes, env)).toEqual(['job-failures critical', 'settings info']);
  });
});

describe('health', () => {
  const finding = (level: Finding['level'], subject: string): Finding => ({
    check: 'x',
    level,
    subject,
    what: 'x',
    advice: 'x',
    since: null,
  });

  it.each([
    ['ok', []],
    ['ok', [finding('info', 'cache web'), finding('info', 'token-cache-maintenance')]],
    ['degraded', [finding('warning', 'cache web')]],
    ['degraded', [finding('critical', 'cache web'), finding('critical', 'key ring web')]],
    ['degraded', [finding('warning', 'timer watchRedis')]],
    ['failing', [finding('critical', 'timer watchRedis')]],
    ['failing', [finding('critical', 'queue work')]],
    ['failing', [finding('critical', 'token-cache-maintenance')]],
  ] as const)('is %s with %j', (health, findings) => {
    expect(healthOf(findings)).toBe(health);
  });
});
