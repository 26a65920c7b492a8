import { describe, expect, it } from 'vitest';
import { type HealthContext, readHealth } from '../../src/lib/health/health.ts';
import { intervalOf, nextStart, recordTimerStart } from '../../src/lib/health/timerStarts.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';

const minute = 60_000;
const halfHourly = { name: 'purgeExpiredEntries', schedule: '0 */30 * * * *', enabled: true };
const everyFive = { name: 'recordCacheCounts', schedule: '0 */5 * * * *', enabled: true };
const start = new Date('2026-11-24T06:00:00Z');
const later = (minutes: number) => new Date(start.getTime() + minutes * minute);

function memoryStore(outcome: 'succeeded' | 'failed' = 'succeeded'): RecordStore {
  const states = new Map<string, unknown>();
  return {
    ...noRecordStore,
    readState: async (key) => states.get(key),
    writeState: async (key, value) => void states.set(key, value),
    latestRuns: async (job, cache) => [
      { runId: 'x', job, cache, trigger: 'timer', startedAt: start.toISOString(), duration: 'PT1S', outcome },
    ],
  };
}

const context = (records: RecordStore, now: Date, changes: Partial<HealthContext> = {}): HealthContext => ({
  records,
  timers: [halfHourly],
  runs: [{ job: 'purge', cache: 'default' }],
  deployment: 'one',
  settingsAreWrong: false,
  now,
  ...changes,
});

describe('health', () => {
  it.each([
    [1, 'ok', null],
    [30, 'ok', null],
    [40, 'ok', 'PT10M'],
    [65, 'ok', 'PT35M'],
    [66, 'degraded', 'PT36M'],
    [90, 'degraded', 'PT1H'],
    [91, 'failing', 'PT1H1M'],
  ])('is, %i minutes after a half-hourly timer last fired, %s', async (minutes, status, lateness) => {
    const records = memoryStore();
    await recordTimerStart(records, halfHourly.name, 'one', start);
    expect(await readHealth(context(records, later(minutes)))).toMatchObject({
      status,
      timers: [{ status, lateness }],
    });
  });

  it.each([
    ['in working hours alone, by night', '0 */5 8-18 * * 1-5', '2026-11-24T18:55:00Z', '2026-11-25T07:59:00Z', 'ok'],
    [
      'in working hours alone, when they begin',
      '0 */5 8-18 * * 1-5',
      '2026-11-24T18:55:00Z',
      '2026-11-25T08:11:00Z',
      'failing',
    ],
    ['on weekdays, at the weekend', '0 0 3 * * 1-5', '2026-11-20T03:00:00Z', '2026-11-23T02:59:00Z', 'ok'],
    ['on weekdays, on Wednesday', '0 0 3 * * 1-5', '2026-11-20T03:00:00Z', '2026-11-25T03:01:00Z', 'failing'],
  ])('of a timer that fires %s', async (_when, schedule, last, now, status) => {
    const records = memoryStore();
    const timer = { name: 'purgeExpiredEntries', schedule, enabled: true };
    await recordTimerStart(records, timer.name, 'one', new Date(last));
    expect((await readHealth(context(records, new Date(now), { timers: [timer] }))).status).toBe(status);
  });

  it('measures a timer that has never fired from the first firing of any in this deployment', async () => {
    const records = memoryStore();
    const timers = [halfHourly, everyFive];
    expect((await readHealth(context(records, later(500), { timers }))).status).toBe('ok');
    await recordTimerStart(records, everyFive.name, 'one', start);
    const ofPurge = async (now: Date, deployment: string) =>
      (await readHealth(context(records, now, { timers, deployment }))).timers[0]?.status;
    expect(await ofPurge(later(30), 'one')).toBe('ok');
    expect(await ofPurge(later(91), 'one')).toBe('failing');
    expect(await ofPurge(later(91), 'two')).toBe('ok');
  });

  it('keeps the first firing of a deployment', async () => {
    const records = memoryStore();
    await recordTimerStart(records, everyFive.name, 'one', start);
    await recordTimerStart(records, everyFive.name, 'one', later(60));
    expect((await readHealth(context(records, later(91)))).status).toBe('failing');
  });

  it('does not wait for a timer that is switched off', async () => {
    const records = memoryStore();
    await recordTimerStart(records, halfHourly.name, 'one', start);
    expect(
      await readHealth(context(records, later(500), { timers: [{ ...halfHourly, enabled: false }] })),
    ).toMatchObject({ status: 'ok', timers: [] });
  });

  it('is degraded while a job fails', async () => {
    expect(await readHealth(context(memoryStore('failed'), start))).toMatchObject({
      status: 'degraded',
      reasons: ['purge on default failed last time (unknown).'],
    });
  });

  it('is degraded while a job fails, though a dry run has succeeded since', async () => {
    const failing = memoryStore('failed');
    const dryRun = {
      runId: 'y',
      job: 'purge',
      cache: 'default',
      trigger: 'http' as const,
      startedAt: later(1).toISOString(),
      duration: 'PT1S',
      outcome: 'succeeded' as const,
      report: { dryRun: true },
    };
    const records: RecordStore = {
      ...failing,
      latestRuns: async (job, cache, count) =>
        [dryRun, ...(await failing.latestRuns(job, cache, count))].slice(0, count),
    };
    expect((await readHealth(context(records, later(2)))).status).toBe('degraded');
  });

  it.each([
    [0, 'ok', []],
    [2, 'degraded', ['2 messages lie in the queue work-poison.']],
    [undefined, 'degraded', ['The queue work-poison cannot be read.']],
  ])('is, with %s messages in the poison queue, %s', async (messages, status, reasons) => {
    const records = memoryStore();
    await recordTimerStart(records, halfHourly.name, 'one', start);
    const count = async () => {
      if (messages === undefined) throw new Error('secret-1');
      return messages;
    };
    const report = await readHealth(context(records, later(1), { poison: { queue: 'work-poison', count } }));
    expect(report).toMatchObject({ status, reasons });
    expect(report.poison).toEqual(messages === undefined ? undefined : { queue: 'work-poison', messages });
  });

  it.each([
    [45, 'ok', undefined],
    [46, 'degraded', 'PT46M'],
    [120, 'degraded', 'PT2H'],
    [121, 'failing', 'PT2H1M'],
  ])('is, when the next message of the work queue has waited for %i minutes, %s', async (minutes, status, wait) => {
    const records = memoryStore();
    await recordTimerStart(records, halfHourly.name, 'one', later(minutes));
    const waiting = { queue: 'work', nextSince: async () => start };
    const report = await readHealth(context(records, later(minutes), { waiting }));
    expect([report.status, report.notWorkedOff?.wait]).toEqual([status, wait]);
    expect(report.reasons).toHaveLength(wait ? 1 : 0);
  });

  it('is failing where settings are wrong or records cannot be read', async () => {
    expect((await readHealth(context(memoryStore(), start, { settingsAreWrong: true }))).status).toBe('failing');
    const broken = { ...memoryStore(), readState: () => Promise.reject(new Error('secret-1')) };
    const report = await readHealth(context(broken, start));
    expect(report.status).toBe('failing');
    expect(JSON.stringify(report)).not.toContain('secret-1');
  });
});

describe('schedules', () => {
  it('are read in UTC', () => {
    expect(nextStart('0 17 3 * * *', start)).toEqual(new Date('2026-11-25T03:17:00Z'));
    expect(intervalOf('0 */30 * * * *', start)).toBe(30 * minute);
    expect(intervalOf('0 17 3 * * *', start)).toBe(24 * 60 * minute);
  });
});
