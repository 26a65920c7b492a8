/** A finding that is switched off explains no other away: what it would have told besides is told. */
import { expect, it } from 'vitest';
import { ago, day, hour, judged, minute, soundKeyRing, soundSqlCache } from '../../support/judging.ts';
import { failed, indexReport, purgeReport, record, ringKey, ringStatus, rotateReport } from '../../support/records.ts';

const off = (check: string) => ({ FINDING_LEVELS: `${check}=off` });
const purge = (minutes: number, changes = {}) =>
  record('purge', 'web', ago(minutes * minute), { report: purgeReport(), ...changes });
const failing = [5, 35, 65, 95].map((minutes) => purge(minutes, failed()));

it('purge-absent: that the purge fails', () => {
  const cache = soundSqlCache({ purge: [...failing, purge(200)] });
  expect(judged(cache)).toEqual(['purge-absent critical']);
  expect(judged(cache, {}, off('purge-absent'))).toEqual(['job-failures warning']);
});

it('index-missing: that the job fails, but for want of the right to build the index', () => {
  const cache = (code: string) =>
    soundSqlCache({
      index: [
        record('index', 'web', ago(hour), failed(code)),
        record('index', 'web', ago(9 * hour), { report: indexReport({ outcome: 'missing' }) }),
      ],
      purge: [purge(90, { report: purgeReport({ index: 'missing', way: 'key' }) })],
    });
  expect(judged(cache('unreachable'))).toEqual(['index-missing warning']);
  expect(judged(cache('unreachable'), {}, off('index-missing'))).toEqual(['job-failures warning']);
  expect(judged(cache('permission_missing'), {}, off('index-missing'))).toEqual([]);
});

it('timer-late: that its job is absent', () => {
  const timers = [
    {
      name: 'purgeExpiredEntries',
      status: 'dead' as const,
      lateness: 'PT3H',
      lastStart: ago(4 * hour).toISOString(),
      nextStart: null,
    },
  ];
  const cache = soundSqlCache({ purge: [purge(300)] });
  expect(judged(cache, { timers })).toEqual(['timer-late critical']);
  expect(judged(cache, { timers }, off('timer-late'))).toEqual(['purge-absent critical']);
});

it('job-failures: that messages were given up', () => {
  const messages = [{ job: 'purge', subject: 'web' }] as never;
  const queue = { name: 'work', nextSince: undefined, poison: { name: 'work-poison', count: 1, messages } };
  const cache = soundSqlCache({ purge: [purge(5, failed()), purge(20)] });
  expect(judged(cache, { queue })).toEqual(['job-failures warning']);
  expect(judged(cache, { queue }, off('job-failures'))).toEqual(['poison-messages warning']);
});

it('no_default_key: that the ring is without a default key', () => {
  const at = (days: number) => ago(-days * day).toISOString();
  const key = ringKey({ id: 'a', state: 'expired', created: at(-100), activated: at(-90), expires: at(-1) });
  const found = { check: 'no_default_key', level: 'critical', what: 'None.', advice: 'Rotate.' } as const;
  const report = rotateReport(ringStatus({ keys: [key], findings: [found] }));
  const ring = soundKeyRing({ rotateKeyRing: [record('rotateKeyRing', 'web', ago(7 * hour), { report })] });
  expect(judged(ring)).toContain('no_default_key critical');
  expect(judged(ring, {}, off('no_default_key'))).toEqual(['key-ring-without-default critical']);
});
