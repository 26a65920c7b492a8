import { describe, expect, it } from 'vitest';
import { judgeAndTell, type Overview, readOverview, readStatus } from '../../src/lib/app/overview.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { historyOf, readHistory } from '../../src/lib/runs/history.ts';
import { findRun, forgetPending, keepPending, listRuns } from '../../src/lib/runs/pendingRuns.ts';
import { noRecordStore, type RecordStore } from '../../src/lib/runs/recordStore.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import { readRunning, runningState } from '../../src/lib/runs/runningState.ts';
import { sumOfParts } from '../../src/lib/runs/sumOfParts.ts';
import { overviewDeps } from '../support/judgedApp.ts';
import { memoryRecords } from '../support/memoryRecords.ts';
import { failed, leftBehind, purgePlan, purgeReport, record } from '../support/records.ts';

const minute = 60_000;
const start = new Date('2026-11-24T06:00:00Z');
const at = (minutes: number) => new Date(start.getTime() + minutes * minute);

describe('the history of a job', () => {
  const purge = (minutes: number, changes = {}) =>
    record('purge', 'web', at(minutes), { report: purgeReport(), ...changes });

  it('knows the last real success, and the failures since', () => {
    const success = purge(10);
    const failures = [purge(30, failed()), purge(20, failed())];
    const silent = [
      purge(15, { dryRun: true }),
      purge(25, { outcome: 'skipped' }),
      purge(35, { outcome: 'refused' }),
      purge(45, { outcome: 'aborted' }),
      purge(55, { dryRun: true, ...failed() }),
    ];
    const history = historyOf('purge', 'web', [...silent, purge(0), ...failures, success], at(60));
    expect(history.lastSuccess).toBe(success);
    expect(history.failures).toEqual(failures);
    expect(history.runs[0]).toBe(silent[4]);
  });

  it('leaves out what is dated ahead by more than clocks differ, until its time comes', () => {
    const runs = [purge(70, failed()), purge(66), purge(64), purge(10, failed())];
    const history = historyOf('purge', 'web', runs, at(60));
    expect(history.ahead.map(({ startedAt }) => startedAt)).toEqual([at(70), at(66)].map((time) => time.toISOString()));
    expect(history.runs).toHaveLength(2);
    expect(history.lastSuccess?.startedAt).toBe(at(64).toISOString());
    expect(historyOf('purge', 'web', runs, at(65))).toMatchObject({ ahead: [], failures: [runs[0]] });
  });

  it('is read past those that are dated ahead', async () => {
    const records = memoryRecords();
    await records.addRun(purge(50));
    for (let index = 0; index < 10; index += 1) await records.addRun(purge(500 + index));
    expect((await readHistory(records, 'purge', 'web', 5, at(60))).lastSuccess?.startedAt).toBe(at(50).toISOString());
  });

  it('is read as far back as needed for a success, and for what else is asked', async () => {
    const records = memoryRecords();
    for (let index = 0; index < 300; index += 1)
      await records.addRun(purge(index, index === 50 ? {} : { ...failed(), report: undefined }));
    const asked: number[] = [];
    const counting: RecordStore = {
      ...records,
      latestRuns: (job, subject, count) => {
        asked.push(count);
        return records.latestRuns(job, subject, count);
      },
    };
    expect((await readHistory(counting, 'purge', 'web', 5, at(301))).lastSuccess?.startedAt).toBe(at(50).toISOString());
    expect(asked).toEqual([5, 200, 1_000]);
    await records.addRun(purge(301));
    expect((await readHistory(counting, 'purge', 'web', 5, at(301))).runs).toHaveLength(5);
    // What is judged does not depend on how much is shown.
    const { shown, ...judged } = await readHistory(counting, 'purge', 'web', 5, at(301), { shown: 50 });
    expect([judged.runs.length, shown.length]).toEqual([5, 50]);
    expect(
      (await readHistory(counting, 'purge', 'web', 5, at(301), { tells: ({ runs }) => runs.length > 100 })).runs,
    ).toHaveLength(200);
  });

  it('that cannot be read says so', async () => {
    const broken = { ...noRecordStore, latestRuns: () => Promise.reject(new Error('secret-1')) };
    const history = await readHistory(broken, 'purge', 'web', 5, at(301));
    expect(history).toMatchObject({ runs: [], unreadable: true });
    expect(JSON.stringify(history)).not.toContain('secret-1');
  });
});

describe('a run that somebody asked for', () => {
  const asked = { trigger: 'http', queuedAt: at(1).toISOString(), part: 1 };
  const tried = record('purge', 'web', at(2), { ...asked, ...failed(), report: leftBehind(7) });
  const pending = (outcome: 'queued' | 'running') =>
    record('purge', 'web', at(1), { ...asked, runId: tried.runId, outcome });

  it.each(['queued', 'running'] as const)(
    'is %s between two tries wherever it is read, without the last error',
    async (outcome) => {
      const records = memoryRecords();
      await records.addRun(tried);
      await keepPending(records, pending(outcome));
      const run = await findRun(records, tried.runId, at(3));
      expect(run).toMatchObject({ runId: tried.runId, outcome, report: tried.report });
      expect(run).not.toHaveProperty('error');
      expect(await listRuns(records, 'purge', 'web', 5, at(3))).toEqual([run]);
      // A day later nobody tries it any more.
      expect(await listRuns(records, 'purge', 'web', 5, at(24 * 60 + 2))).toMatchObject([
        { outcome: 'failed', error: {} },
      ]);
      await forgetPending(records, tried.runId);
      expect(await findRun(records, tried.runId, at(3))).toMatchObject({ outcome: 'failed', error: tried.error });
      expect(await listRuns(records, 'purge', 'web', 5, at(3))).toMatchObject([
        { outcome: 'failed', error: tried.error },
      ]);
    },
  );

  it('is done when its record says so, whatever was told before', async () => {
    const records = memoryRecords();
    await records.addRun({ ...record('purge', 'web', at(2), asked), runId: tried.runId });
    await keepPending(records, pending('running'));
    expect(await findRun(records, tried.runId, at(3))).toMatchObject({ outcome: 'succeeded' });
    expect(await listRuns(records, 'purge', 'web', 5, at(3))).toMatchObject([{ outcome: 'succeeded' }]);
  });
});

describe('a purge in parts', () => {
  const part = (number: number, left: number, changes = {}) =>
    record('purge', 'web', at(number * 10), {
      report: leftBehind(left, { deleted: 100, warnings: [`of part ${number}`, 'the same'] }),
      part: number,
      next: 'the-next',
      ...(number > 1 && { first: 'the-first' }),
      ...changes,
    });
  const last = (number: number) =>
    part(number, 0, { next: undefined, report: purgeReport({ deleted: 7, warnings: ['the same'] }) });
  const now = at(60);

  it('adds up: what was done is the sum, what is left is the last part’s', () => {
    expect(sumOfParts([last(3), part(1, 200, { runId: 'the-first' }), part(2, 100)], now)).toMatchObject({
      runId: 'the-first',
      outcome: 'succeeded',
      parts: 3,
      startedAt: at(10).toISOString(),
      report: {
        deleted: 207,
        stopReason: 'drained',
        expiredRemaining: { count: 0 },
        warnings: ['of part 1', 'the same', 'of part 2'],
      },
    });
    expect(sumOfParts([part(1, 200), part(2, 100), last(3)], now)).not.toHaveProperty('incomplete');
  });

  it('says where a part left no record, or an instance died in one', () => {
    expect(sumOfParts([part(1, 200), last(3)], now)).toMatchObject({ incomplete: true, report: { deleted: 107 } });
    expect(sumOfParts([part(1, 200), part(2, 100, { lost: 1_000 }), last(3)], now)).toMatchObject({
      incomplete: true,
      report: { deleted: 1_207 },
    });
  });

  it('goes on until its last part, which is waited for for an hour', () => {
    expect(sumOfParts([part(1, 200), part(2, 100)], at(30))).toMatchObject({ outcome: 'running', parts: 2 });
    expect(sumOfParts([part(1, 200), part(2, 100)], at(90))).toMatchObject({ outcome: 'succeeded', incomplete: true });
  });

  it('has the outcome and the error of its last part; one that found another at work did nothing', () => {
    const error = failed();
    expect(sumOfParts([part(1, 200), part(2, 100, { next: undefined, ...error })], now)).toMatchObject(error);
    const skipped = part(3, 0, {
      next: undefined,
      outcome: 'skipped',
      report: purgeReport({ stopReason: 'busy', deleted: 0 }),
    });
    expect(sumOfParts([part(1, 200), part(2, 100, { next: undefined }), skipped], now)).toMatchObject({
      outcome: 'succeeded',
    });
  });

  it('is one of the runs that a list is asked for, at the place where it began', async () => {
    const records = memoryRecords();
    const plan = (minutes: number) => record('purge', 'web', at(minutes), { dryRun: true, report: purgePlan() });
    const [first, before, meanwhile] = [part(1, 200, { next: 'p2' }), plan(5), plan(15)];
    const second = part(2, 100, { runId: 'p2', first: first.runId, next: 'p3' });
    const third = { ...last(3), runId: 'p3', first: first.runId };
    for (const run of [before, first, meanwhile, second, third]) await records.addRun(run);
    for (const count of [1, 2, 3, 4])
      expect(await listRuns(records, 'purge', 'web', count, now)).toMatchObject(
        [meanwhile, { runId: first.runId, parts: 3, report: { deleted: 207 } }, before].slice(0, count),
      );
  });

  it('of one part is that record', () => {
    const whole = record('purge', 'web', start, { report: purgeReport() });
    expect(sumOfParts([whole], now)).toBe(whole);
    const plan = record('purge', 'web', start, { dryRun: true, report: purgePlan() });
    expect(sumOfParts([plan], now)).toBe(plan);
  });
});

describe('what a run tells of itself', () => {
  it('is lost where it has told nothing for half a minute', async () => {
    const records = memoryRecords();
    const state = runningState(records, 'web', 'x', { ...systemClock, now: () => start });
    await state.begin();
    await expect
      .poll(() => readRunning(records, 'web', at(0.4)))
      .toMatchObject({ runId: 'x', deleted: 0, lost: false });
    expect(await readRunning(records, 'web', at(0.6))).toMatchObject({ lost: true, updatedAt: start.toISOString() });
    state.end();
    await state.forget();
    expect(await readRunning(records, 'web', at(0.1))).toBeUndefined();
  });

  it('is lost only where it holds no lock, which is asked of one that is silent, by this clock', async () => {
    const records = memoryRecords();
    const state = runningState(records, 'web', 'x', { ...systemClock, now: () => start });
    await state.begin();
    state.end();
    let asked = 0;
    const lost = async (minutes: number, isLocked: boolean | undefined) => {
      const holdsLock = async () => {
        asked += 1;
        return isLocked;
      };
      return (await readRunning(records, 'web', at(minutes), holdsLock))?.lost;
    };
    expect([await lost(0.4, false), await lost(-4, false), asked]).toEqual([false, false, 0]);
    expect([await lost(0.6, true), await lost(0.6, false), await lost(0.6, undefined)]).toEqual([false, true, null]);
    // Told by a clock that is fast: that it will tell until then proves nothing.
    expect([await lost(-60, true), await lost(-60, false)]).toEqual([false, true]);
  });

  it('is asked for its lock by readers alone', async () => {
    const records = memoryRecords();
    const state = runningState(records, 'web', 'x', { ...systemClock, now: () => start });
    await state.begin();
    state.end();
    const caches = [{ name: 'web', connectionStringSetting: 'DB' }];
    const deps = overviewDeps(
      { TOKEN_CACHES: JSON.stringify(caches), DB: 'Host=h;Username=u;Database=d' },
      records,
      at(1),
    );
    const asked: string[] = [];
    deps.maintenance.sqlCaches.holdsLock = async (cache) => {
      asked.push(cache);
      return true;
    };
    const lostIn = ({ subjects }: Overview) =>
      subjects.map((subject) => ('running' in subject ? subject.running?.lost : undefined));
    expect([lostIn(await judgeAndTell(deps)), lostIn(await readOverview(deps)), asked]).toEqual([[null], [null], []]);
    expect([lostIn(await readStatus(deps)), asked]).toEqual([[false], ['web']]);
  });

  it('is not lost any more once a purge has succeeded since, which takes no lock where nothing is left', async () => {
    const records = memoryRecords();
    const clock = { ...systemClock, now: () => start };
    const lost = async (job: string) => {
      const state = runningState(records, 'web', newRunId(job, 'web', start), clock);
      await state.begin();
      state.end();
    };
    const running = (lastPurge: Date, isHeld = false) =>
      readRunning(records, 'web', at(5), async () => isHeld, lastPurge.toISOString());
    await lost('purge');
    expect(await running(at(-1))).toMatchObject({ lost: true });
    expect(await running(at(4))).toBeUndefined();
    expect(await running(at(4), true)).toMatchObject({ lost: false });
    await lost('clear');
    expect(await running(at(4))).toMatchObject({ lost: true });
  });

  it('is not known where it cannot be read', async () => {
    const broken = { ...noRecordStore, readState: () => Promise.reject(new Error('secret-1')) };
    expect(await readRunning(broken, 'web', start)).toBeUndefined();
  });
});
