/** How late timers are, and what schedules mean. */
import { describe, expect, it } from 'vitest';
import { intervalOf, nextStart, readTimers, recordTimerStart, type Timer } from '../../../src/lib/findings/timers.ts';
import { memoryRecords } from '../../support/memoryRecords.ts';

const minute = 60_000;
const halfHourly: Timer = { name: 'purgeExpiredEntries', schedule: '0 */30 * * * *', enabled: true };
const everyFive: Timer = { name: 'recordCacheCounts', schedule: '0 */5 * * * *', enabled: true };
const start = new Date('2026-11-24T06:00:00Z');
const later = (minutes: number) => new Date(start.getTime() + minutes * minute);

describe('a timer', () => {
  it.each([
    [1, 'ok', null],
    [30, 'ok', null],
    [40, 'ok', 'PT10M'],
    [65, 'ok', 'PT35M'],
    [66, 'late', 'PT36M'],
    [90, 'late', 'PT1H'],
    [91, 'dead', 'PT1H1M'],
  ])('that fires half-hourly is, %i minutes after it last did, %s', async (minutes, status, lateness) => {
    const records = memoryRecords();
    await recordTimerStart(records, halfHourly, 'one', start);
    expect(await readTimers({ records, timers: [halfHourly], deployment: 'one', now: later(minutes) })).toEqual([
      {
        name: 'purgeExpiredEntries',
        status,
        lateness,
        lastStart: start.toISOString(),
        nextStart: nextStart(halfHourly.schedule, later(minutes))?.toISOString(),
      },
    ]);
  });

  it.each([
    ['in working hours alone, by night', '0 */5 8-18 * * 1-5', '2026-11-24T18:55:00Z', '2026-11-25T07:59:00Z', 'ok'],
    ['in working hours, when they begin', '0 */5 8-18 * * 1-5', '2026-11-24T18:55:00Z', '2026-11-25T08:11:00Z', 'dead'],
    ['in working hours, as they end', '0 */30 8-18 * * 1-5', '2026-11-27T15:00:00Z', '2026-11-27T18:10:00Z', 'dead'],
    ['on weekdays, at the weekend', '0 0 3 * * 1-5', '2026-11-20T03:00:00Z', '2026-11-23T02:59:00Z', 'ok'],
    ['on weekdays, on Wednesday', '0 0 3 * * 1-5', '2026-11-20T03:00:00Z', '2026-11-25T03:01:00Z', 'dead'],
  ])('is judged by its schedule: that fires %s', async (_when, schedule, last, now, status) => {
    const records = memoryRecords();
    const timer = { name: 'purgeExpiredEntries', schedule, enabled: true };
    await recordTimerStart(records, timer, 'one', new Date(last));
    const read = await readTimers({ records, timers: [timer], deployment: 'one', now: new Date(now) });
    expect(read[0]?.status).toBe(status);
  });

  it('whose schedule has changed since it fired is not late by the new one', async () => {
    const records = memoryRecords();
    const weekly = { name: 'ensureExpiryIndex', schedule: '0 17 3 * * 0', enabled: true };
    const daily = { ...weekly, schedule: '0 17 3 * * *' };
    const status = async (timer: Timer, now: string) =>
      (await readTimers({ records, timers: [timer], deployment: 'one', now: new Date(now) }))[0]?.status;
    await recordTimerStart(records, weekly, 'one', new Date('2026-11-22T03:17:00Z'));
    expect(await status(weekly, '2026-11-27T14:00:00Z')).toBe('ok');
    expect(await status(daily, '2026-11-27T14:00:00Z')).toBe('unknown');
    await recordTimerStart(records, daily, 'one', new Date('2026-11-28T03:17:00Z'));
    expect(await status(daily, '2026-11-28T14:00:00Z')).toBe('ok');
    expect(await status(daily, '2026-12-01T14:00:00Z')).toBe('dead');
  });

  it('that has never fired is measured from the first firing of any in this deployment', async () => {
    const records = memoryRecords();
    const timers = [halfHourly, everyFive];
    const statuses = async (now: Date, deployment: string | undefined) =>
      (await readTimers({ records, timers, deployment, now })).map(({ status }) => status);
    expect(await statuses(later(500), 'one')).toEqual(['unknown', 'unknown']);
    await recordTimerStart(records, everyFive, 'one', start);
    await recordTimerStart(records, everyFive, 'one', later(60));
    expect((await statuses(later(30), 'one'))[0]).toBe('ok');
    expect((await statuses(later(91), 'one'))[0]).toBe('dead');
    expect((await statuses(later(91), 'two'))[0]).toBe('unknown');
    // A command line is of no deployment: it tells what the app tells.
    expect((await statuses(later(91), undefined))[0]).toBe('dead');
  });

  it('whose last start a fast clock dated ahead is not known to fire', async () => {
    const records = memoryRecords();
    await recordTimerStart(records, halfHourly, 'one', later(300));
    const [timer] = await readTimers({ records, timers: [halfHourly], deployment: 'one', now: later(100) });
    expect(timer).toMatchObject({ status: 'unknown', lateness: null, lastStart: later(300).toISOString() });
  });

  it('that is switched off is not waited for', async () => {
    const records = memoryRecords();
    await recordTimerStart(records, halfHourly, 'one', start);
    const timers = [{ ...halfHourly, enabled: false }];
    expect(await readTimers({ records, timers, deployment: 'one', now: later(500) })).toEqual([]);
  });
});

describe('schedules', () => {
  it('are read in UTC', () => {
    expect(nextStart('0 17 3 * * *', start)).toEqual(new Date('2026-11-25T03:17:00Z'));
    expect(intervalOf('0 */30 * * * *', start)).toBe(30 * minute);
    expect(intervalOf('0 17 3 * * *', start)).toBe(24 * 60 * minute);
  });
});
