/** Entries that name keys which no ring of their cache has, or revoked ones, by histories of counts and of looks at the ring. */
import { describe, expect, it } from 'vitest';
import type { RingStatus } from '../../../src/lib/keyRing/jobs/ringStatus.ts';
import type { RecordStore } from '../../../src/lib/runs/recordStore.ts';
import type { RunRecord } from '../../../src/lib/runs/runRecord.ts';
import { judgeApp } from '../../support/judgedApp.ts';
import { ago, hour, judged, minute, soundKeyRing, soundSqlCache, standing } from '../../support/judging.ts';
import { memoryRecords } from '../../support/memoryRecords.ts';
import { countsReport, failed, record, ringStatus, rotateReport } from '../../support/records.ts';
import { reports } from '../../support/reports.ts';

const current = reports.ringStatus.defaultKey ?? '';
const revoked = reports.ringStatus.keys.find(({ state }) => state === 'revoked')?.id ?? '';
const strange = '0f5c28b3-5d0b-4a5e-9a53-0c1d2e3f4a5b';
const unknown = (level: string) => [`encryption-unknown-keys ${level}`];

/** Counts that sampled so many entries of each key. */
const counts = (minutesAgo: number, named: Record<string, number> | null) => {
  const keyIds = named && Object.entries(named).map(([keyId, entries]) => ({ keyId, entries }));
  return record('counts', 'web', ago(minutesAgo * minute), { report: countsReport({ keyIds }) });
};
const look = (hoursAgo: number, changes: Partial<RingStatus> = {}) =>
  record('rotateKeyRing', 'web', ago(hoursAgo * hour), { report: rotateReport(ringStatus(changes)) });
const keysOnly = (found: readonly string[]) => found.filter((each) => each.startsWith('encryption-'));
const cache = (looks: RunRecord<'counts'>[], rings = ['web']) => ({ ...soundSqlCache({ counts: looks }), rings });
const of = (looks: RunRecord<'counts'>[], ring: Parameters<typeof soundKeyRing>[0] = { rotateKeyRing: [look(9)] }) =>
  keysOnly(judged([cache(looks), soundKeyRing(ring)]));

describe('keys that no ring has', () => {
  it('are told, with how many entries name them and what to do', () => {
    const [told, ...others] = standing([cache([counts(5, { [current]: 300, [strange]: 100 })]), soundKeyRing()]);
    expect(others).toEqual([]);
    expect(told).toMatchObject({ check: 'encryption-unknown-keys', level: 'critical', subject: 'cache web' });
    expect(told?.what).toContain('100 of 400 sampled, encrypted entries (25 %) name 1 key that no configured ring has');
    expect(told?.advice).toContain('clear --unreadable --cache web');
  });

  it('are a note while few entries name them', () => {
    expect(of([counts(5, { [current]: 999, [strange]: 1 })])).toEqual(unknown('info'));
    expect(of([counts(5, { [current]: 99, [strange]: 1 })])).toEqual(unknown('critical'));
  });

  it('are gone with the entries, whatever the counts before saw', () => {
    const before = counts(10, { [strange]: 100 });
    expect(of([counts(5, { [current]: 300 }), before])).toEqual([]);
    expect(of([counts(5, {}), before])).toEqual([]);
    // Counts that fail know nothing.
    expect(of([record('counts', 'web', ago(5 * minute), failed()), before])).toEqual(unknown('critical'));
  });

  it('are not keys of the ring, in whatever state', () => {
    const all = Object.fromEntries(reports.ringStatus.keys.map(({ id }) => [id, 10]));
    expect(of([counts(5, all)])).toEqual(['encryption-revoked-keys critical']);
    const upper = reports.ringStatus.keys.map((key) => ({ ...key, id: key.id.toUpperCase() }));
    expect(of([counts(5, { [current]: 5 })], { rotateKeyRing: [look(1, { keys: upper })] })).toEqual([]);
  });

  it('may have been made since the ring was read, where it had no default key, or that has expired', () => {
    const named = { [current]: 300, [strange]: 100 };
    const withoutDefault = (hoursAgo: number) => look(hoursAgo, { defaultKey: null });
    const expired = look(9, {
      keys: reports.ringStatus.keys.map((key) => ({ ...key, expires: ago(hour).toISOString() })),
    });
    for (const ring of [withoutDefault(9), expired])
      expect(of([counts(5, named)], { rotateKeyRing: [ring] })).toEqual([]);
    // The ring was read after counts that named it.
    const rings = { rotateKeyRing: [withoutDefault(1)] };
    expect(of([counts(5, named), counts(90, named)], rings)).toEqual(unknown('critical'));
    expect(of([counts(5, named), counts(90, { [current]: 300 })], rings)).toEqual([]);
  });

  it('may be the successor of a key that was revoked since the ring was read', () => {
    const named = { [strange]: 100 };
    const revocation = (hoursAgo: number, changes: Partial<RunRecord<'revokeKeys'>> = {}) => ({
      rotateKeyRing: [look(9)],
      revokeKeys: [record('revokeKeys', 'web', ago(hoursAgo * hour), { report: reports.revoke, ...changes })],
    });
    expect(of([counts(5, named)], revocation(2))).toEqual([]);
    expect(of([counts(5, named)], revocation(2, failed()))).toEqual([]);
    expect(of([counts(5, named)], revocation(2, { dryRun: true }))).toEqual(unknown('critical'));
    expect(of([counts(5, named)], revocation(10))).toEqual(unknown('critical'));
    expect(of([counts(5, named), counts(600, named)], revocation(2))).toEqual(unknown('critical'));
  });

  it('are not claimed where nothing is known to hold the entries against', () => {
    const named = [counts(5, { [strange]: 100 })];
    expect(of(named)).toEqual(unknown('critical'));
    expect(judged([cache(named, []), soundKeyRing()])).toEqual([]);
    expect(judged([cache(named)])).toEqual([]);
    expect(judged([cache(named, ['web', 'never read']), soundKeyRing()])).toEqual([]);
    expect(of(named, { rotateKeyRing: [] })).toEqual([]);
    expect(of(named, { rotateKeyRing: [look(9, { keys: [], defaultKey: null })] })).toEqual([]);
    const unread = { check: 'not_judged', level: 'warning' as const, what: 'A.', advice: 'B.' };
    expect(of(named, { rotateKeyRing: [look(9, { findings: [unread] })] })).toEqual([]);
    expect(of([counts(5, null)])).toEqual([]);
  });

  it('are told by what the ring held when it was read last, though it cannot be read now', () => {
    const ring = { rotateKeyRing: [record('rotateKeyRing', 'web', ago(hour), failed()), look(25)] };
    expect(of([counts(5, { [strange]: 100 })], ring)).toEqual(unknown('critical'));
  });

  it('are none that another ring of the cache has', () => {
    const other = ringStatus({ keys: reports.ringStatus.keys.map((key) => ({ ...key, id: strange })) });
    const second = soundKeyRing(
      { rotateKeyRing: [record('rotateKeyRing', 'b', ago(hour), { report: rotateReport(other) })] },
      'b',
    );
    const looks = [counts(5, { [current]: 100, [strange]: 100 })];
    expect(judged([cache(looks, ['web', 'b']), soundKeyRing(), second])).toEqual([]);
    expect(judged([cache(looks), soundKeyRing(), second])).toEqual(unknown('critical'));
  });
});

it('revoked keys are told while entries name them', () => {
  expect(of([counts(5, { [current]: 300, [revoked]: 30 })])).toEqual(['encryption-revoked-keys critical']);
  expect(of([counts(5, { [current]: 3_000, [revoked]: 3 })])).toEqual(['encryption-revoked-keys info']);
  expect(of([counts(5, { [current]: 300 })])).toEqual([]);
});

it('what is told stands while the records of the ring cannot be read, and goes with the ring', async () => {
  const ring = { name: 'web', mode: 'observe', store: { kind: 'folder', path: '/k' }, protector: { kind: 'none' } };
  const withRing = (caches: string[]) => ({
    TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'DB' }]),
    DB: 'Host=h;Username=u;Database=d',
    KEY_RINGS: JSON.stringify([{ ...ring, caches }]),
  });
  const records = memoryRecords();
  await records.addRun(counts(5, { [strange]: 100 }));
  await records.addRun(look(1));
  const silent: RecordStore = {
    ...records,
    latestRuns: (job, ...rest) =>
      job === 'rotateKeyRing' ? Promise.reject(new Error('away')) : records.latestRuns(job, ...rest),
  };
  const found = async (minutes: number, env = withRing(['web']), store: RecordStore = records) =>
    keysOnly(
      (await judgeApp(env, store, ago(-minutes * minute))).findings.map(({ check, level }) => `${check} ${level}`),
    );
  expect(await found(0)).toEqual(unknown('critical'));
  expect(await found(5, undefined, silent)).toEqual(unknown('critical'));
  expect(await found(10, withRing([]))).toEqual([]);
  expect(await found(15, undefined, silent)).toEqual([]);
});
