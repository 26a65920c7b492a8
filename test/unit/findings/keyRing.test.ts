/** What is said of a key ring by the newest status of it, and by what time has done since. */
import { describe, expect, it } from 'vitest';
import type { KeyReport, RingStatus } from '../../../src/lib/keyRing/jobs/ringStatus.ts';
import { ringCheckNames } from '../../../src/lib/keyRing/rule/findingAdvice.ts';
import type { RingFinding } from '../../../src/lib/keyRing/rule/findings.ts';
import type { RunRecord } from '../../../src/lib/runs/runRecord.ts';
import { ago, day, hour, judged, now, soundKeyRing, standing } from '../../support/judging.ts';
import { failed, record, ringKey, ringStatus, rotateReport } from '../../support/records.ts';
import { reports } from '../../support/reports.ts';

const rotation = (
  hoursAgo: number,
  status: Partial<RingStatus> = {},
  changes: Partial<RunRecord<'rotateKeyRing'>> = {},
) => record('rotateKeyRing', 'web', ago(hoursAgo * hour), { report: rotateReport(ringStatus(status)), ...changes });
const look = (hoursAgo: number, status: Partial<RingStatus> = {}, changes: Partial<RunRecord<'keyRingStatus'>> = {}) =>
  record('keyRingStatus', 'web', ago(hoursAgo * hour), { report: ringStatus(status), ...changes });
const failure = (hoursAgo: number) => {
  const { report: _, ...run } = rotation(hoursAgo);
  return { ...run, ...failed('key_vault_forbidden') };
};
const of = (rotations: RunRecord<'rotateKeyRing'>[], looks: RunRecord<'keyRingStatus'>[] = []) =>
  judged(soundKeyRing({ rotateKeyRing: rotations, keyRingStatus: looks }));
const finding = (check: string, level: RingFinding['level'] = 'critical') => ({
  findings: [{ check, level, what: 'Something is wrong.', advice: 'Do something.' }],
});

describe('a key ring', () => {
  it.each(ringCheckNames.filter((check) => !/^no_default/.test(check)))(
    'has the findings of its newest status: %s, until a run succeeds without it',
    (check) => {
      const found = rotation(2, finding(check));
      expect(of([found])).toEqual([`${check} critical`]);
      expect(standing(soundKeyRing({ rotateKeyRing: [found] }))).toMatchObject([
        { check, subject: 'key ring web', what: 'Something is wrong.', advice: 'Do something.' },
      ]);
      expect(of([rotation(1), found])).toEqual([]);
      expect(of([found], [look(1)])).toEqual([]);
      expect(of([rotation(2)], [look(1, finding(check))])).toEqual([`${check} critical`]);
    },
  );

  it('has keys in plain text until a rotation succeeds without them', () => {
    const plain = finding('keys-in-plain-text', 'warning');
    expect(of([failure(1), failure(2), rotation(26, plain)])).toEqual([
      'rotation-failed warning',
      'keys-in-plain-text warning',
    ]);
    expect(of([rotation(1, {}, { dryRun: true }), rotation(2, plain)])).toEqual(['keys-in-plain-text warning']);
    expect(of([rotation(1), failure(2), rotation(26, plain)])).toEqual([]);
  });

  it('is not told to be in order by what a failed rotation did so far', () => {
    const sofar = rotation(1, {}, failed());
    expect(of([sofar, rotation(26, finding('keys-in-plain-text'))])).toEqual([
      'keys-in-plain-text critical',
      'rotation-failed warning',
    ]);
    expect(of([sofar, rotation(26, finding('rotation-failed', 'warning'))])).toEqual([
      'rotation-failed warning',
      'rotation-failed warning',
    ]);
  });

  it('tells of an automatic re-wrap that fails, though the rotation succeeds', () => {
    expect(of([rotation(1, finding('rotation-failed', 'warning'))])).toEqual(['rotation-failed warning']);
    // A look at the ring does not see it.
    expect(of([rotation(2, finding('rotation-failed', 'warning'))], [look(1)])).toEqual(['rotation-failed warning']);
    expect(of([rotation(1), rotation(25, finding('rotation-failed', 'warning'))])).toEqual([]);
  });

  it('tells of keys that a re-wrap could not move, until one moves them', () => {
    const failed = [{ id: 'a', code: 'key_vault_expired', message: 'The version has expired.' }];
    const rewrap = { ...reports.rewrap, failed };
    const rotated = rotation(3, {}, { report: rotateReport(ringStatus(), { rewrap }) });
    const moved = (hoursAgo: number, report = rewrap) =>
      record('rewrapKeyRing', 'web', ago(hoursAgo * hour), { report });
    const ofRuns = (...rewrapKeyRing: RunRecord<'rewrapKeyRing'>[]) =>
      standing(soundKeyRing({ rotateKeyRing: [rotated], rewrapKeyRing }));
    expect(ofRuns()).toMatchObject([
      { check: 'rotation-failed', what: expect.stringContaining('a (key_vault_expired)') },
    ]);
    expect(ofRuns(moved(2, reports.rewrap))).toEqual([]);
    expect(ofRuns(moved(2)).map(({ check }) => check)).toEqual(['rotation-failed']);
    expect(of([rotation(1), rotated])).toEqual([]);
    const byHand = soundKeyRing({ rotateKeyRing: [rotation(1)], rewrapKeyRing: [moved(2)] });
    expect(judged(byHand)).toEqual(['rotation-failed warning']);
    // As it is recorded: failed, without an error beside what its report says.
    const recorded = soundKeyRing({
      rotateKeyRing: [rotation(1)],
      rewrapKeyRing: [{ ...moved(2), outcome: 'failed' }],
    });
    expect(judged(recorded)).toEqual(['rotation-failed warning']);
    expect(of([failure(1), rotated])).toEqual(['rotation-failed warning', 'rotation-failed warning']);
  });

  it('has one finding for one rotation that failed, which a re-wrap that succeeded does not fix', () => {
    expect(of([failure(1), rotation(25)])).toEqual(['rotation-failed warning']);
    const rewrapKeyRing = [record('rewrapKeyRing', 'web', ago(hour / 2))];
    const ring = soundKeyRing({ rotateKeyRing: [failure(1), rotation(25)], rewrapKeyRing });
    expect(judged(ring)).toEqual(['rotation-failed warning']);
    expect(of([failure(1), failure(25), rotation(49)])).toEqual(['rotation-failed warning']);
  });

  it('is not in trouble for what its settings or a caller forbid', () => {
    const refused = (code: string) => ({ outcome: 'refused' as const, error: failed(code).error });
    const { report: _, ...run } = rotation(1);
    expect(of([{ ...run, ...refused('key_ring_observed') }, rotation(7)])).toEqual([]);
    const revokeKeys = [1, 2].map((hours) =>
      record('revokeKeys', 'web', ago(hours * hour), { dryRun: true, ...refused('key_unknown') }),
    );
    expect(judged(soundKeyRing({ revokeKeys }))).toEqual([]);
  });

  it('is judged by when a run began, though its record comes late', () => {
    expect(of([rotation(3, finding('key_unreadable')), rotation(2)])).toEqual([]);
    expect(of([rotation(2)], [look(3, finding('key_unreadable'))])).toEqual([]);
  });
});

describe('the default key of a ring', () => {
  const at = (days: number) => new Date(now.getTime() + days * day).toISOString();
  const key = (id: string, from: number, to: number, changes: Partial<KeyReport> = {}) =>
    ringKey({ id, state: 'active', created: at(from - 14), activated: at(from), expires: at(to), ...changes });
  const ofKeys = (keys: KeyReport[], mode: RingStatus['mode'] = 'manage', findings: RingFinding[] = []) =>
    of([rotation(7, { keys, mode, findings })]);
  const without = ['key-ring-without-default critical'];

  it('is not missed where a successor follows it', () => {
    expect(ofKeys([key('a', -80, 10), key('b', 10, 100)])).toEqual([]);
  });

  it('is missed at once where there is none now, though a successor comes tomorrow', () => {
    expect(ofKeys([key('a', -90, -0.1), key('b', 1, 91)])).toEqual(without);
    expect(
      standing(soundKeyRing({ rotateKeyRing: [rotation(7, { keys: [key('a', -90, -0.1), key('b', 1, 91)] })] })),
    ).toMatchObject([{ what: expect.stringContaining('has no default key now') }]);
  });

  it('is missed a week ahead where nothing follows, and a day ahead where the apps make their keys', () => {
    expect([ofKeys([key('a', -80, 6)]), ofKeys([key('a', -80, 8)])]).toEqual([without, []]);
    expect([ofKeys([key('a', -80, 0.9)], 'observe'), ofKeys([key('a', -80, 6)], 'observe')]).toEqual([without, []]);
    const soon = soundKeyRing({ rotateKeyRing: [rotation(7, { keys: [key('a', -80, 8)] })] });
    expect(judged(soon, {}, { FINDING_DEFAULT_KEY: 'P10D' })).toEqual(without);
  });

  it('is missed where the key activated latest is revoked or unreadable, as the apps see it', () => {
    for (const state of ['revoked', 'unreadable'] as const)
      expect(ofKeys([key('a', -80, 90), key('b', -1, 90, { state })]), state).toEqual(without);
    expect(ofKeys([key('a', -80, 90), key('b', -100, 90, { state: 'revoked' })])).toEqual([]);
  });

  it('is missed in a gap between two keys', () => {
    expect(ofKeys([key('a', -80, 2), key('b', 3, 90)])).toEqual(without);
  });

  it('is one finding, with what the status says of it, and follows the clock', () => {
    const none: RingFinding = { check: 'no_default_key', level: 'critical', what: 'There is none.', advice: 'Rotate.' };
    expect(ofKeys([key('a', -90, -1)], 'manage', [none])).toEqual(['no_default_key critical']);
    // By now the successor is active.
    expect(ofKeys([key('a', -90, -1), key('b', -0.1, 90)], 'manage', [none])).toEqual([]);
    const soon = { ...none, check: 'no_default_soon' };
    expect(ofKeys([key('a', -90, 1)], 'manage', [soon])).toEqual(['no_default_soon critical']);
    // By now it has expired.
    expect(ofKeys([key('a', -90, -0.1)], 'manage', [soon])).toEqual(without);
  });

  it('of a ring without keys is what the status says', () => {
    expect(ofKeys([])).toEqual([]);
  });
});
