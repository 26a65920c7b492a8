import { describe, expect, it } from 'vitest';
import { countOf, goesOn, type PartEnd, pauseAfter, rowsLeft } from '../../src/lib/queue/continuation.ts';
import { comesAgainWhenBusy, judgeDelivery, waitForPlace } from '../../src/lib/queue/delivery.ts';
import { nextMessage, queuesWork } from '../../src/lib/queue/dispatch.ts';
import { readMessage } from '../../src/lib/queue/message.ts';
import { serverLimits } from '../../src/lib/queue/serverLimits.ts';
import { newRunId } from '../../src/lib/runs/runId.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { joinParts, sumOfParts } from '../../src/lib/runs/sumOfParts.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import type { PurgeReport } from '../../src/lib/sql/purgeReport.ts';
import { workMessage } from '../support/workQueue.ts';

const now = new Date('2026-11-24T06:00:00Z');
const minute = 60_000;
const ago = (minutes: number) => new Date(now.getTime() - minutes * minute);

const report: PurgeReport = {
  engine: 'postgres',
  table: '"public"."tokencache"',
  dryRun: false,
  stopReason: 'timeBudget',
  cutoff: '2026-11-24T05:59:00.000Z',
  deleted: 100,
  batches: 4,
  batchSize: 50,
  batchTime: { min: 'PT0.1S', median: 'PT0.2S', max: 'PT0.3S' },
  oldestExpiredAge: { before: 'P10D', after: 'P9D' },
  expiredRemaining: { count: 900, estimated: false },
  skippedLocked: 0,
  kept: [],
  heldBy: null,
  index: 'present',
  way: 'expiry',
  duration: 'PT5M',
  retries: 1,
  unansweredBatches: 0,
  waits: { pauses: 'PT2M', load: 'PT0S', loadReasons: [] },
  warnings: ['one'],
};

describe('a message of the work queue', () => {
  it('is read as it was written, as text or as the object that the host makes of it', () => {
    const message = workMessage({ subject: 'web', trigger: 'http', purge: { dryRun: false, maxRows: 5 } });
    expect(readMessage(JSON.stringify(message))).toEqual(message);
    expect(readMessage(JSON.parse(JSON.stringify(message)))).toEqual(message);
  });

  it.each([
    ['no JSON', 'secret-1 {'],
    ['nothing', undefined],
    ['an unknown job', { ...workMessage(), job: 'secret-1' }],
    ['a subject that is none', { ...workMessage(), subject: '../secret-1' }],
    ['a field too many', { ...workMessage(), password: 'secret-1' }],
    ['a negative row limit', workMessage({ purge: { maxRows: -1 } })],
  ])('is refused where it is %s, without its values', (_, given) => {
    expect(() => readMessage(given)).toThrow(expect.objectContaining({ code: 'message_invalid' }));
    expect(() => readMessage(given)).not.toThrow(/secret-1/);
  });

  it('of a newer version says so', () => {
    expect(() => readMessage({ ...workMessage(), version: 3 })).toThrow(/newer version/);
  });

  it('of version 1, which an update finds in the queue, is read', () => {
    const { subject, first: _first, ...message } = workMessage({ until: ago(-10), purge: { maxRows: 5 } });
    const old = { ...message, version: 1, cache: subject, part: 3, takeovers: 1, deletedBefore: 70, tries: 2 };
    expect(readMessage(old)).toEqual({ ...message, version: 2, subject, part: 1, tries: 2 });
  });
});

const runId = newRunId('purge', 'default', ago(1));
function purge(changes: Partial<RunRecord<'purge'>> = {}, ofReport: Partial<PurgeReport> = {}): RunRecord<'purge'> {
  return {
    runId,
    job: 'purge',
    subject: 'default',
    trigger: 'timer',
    startedAt: ago(1).toISOString(),
    duration: 'PT1S',
    outcome: 'succeeded',
    dryRun: false,
    part: 1,
    report: { ...report, stopReason: 'drained', ...ofReport },
    ...changes,
  };
}

describe('a delivery', () => {
  const message = workMessage({ until: ago(-10) }, {}, ago(5));
  const judge = (
    given = message,
    facts: { own?: RunRecord; latest?: RunRecord; deliveries?: number } = {},
    at: Date = now,
  ) => judgeDelivery(given, { own: undefined, latest: undefined, deliveries: 1, ...facts, now: at }).do;

  it('is run at first, and again after a try that failed or was stopped, or whose instance died', () => {
    expect(judge()).toBe('run');
    for (const outcome of ['failed', 'aborted'] as const)
      expect(judge(message, { own: purge({ outcome }), deliveries: 3 })).toBe('run');
    expect(judge(message, { deliveries: 2 })).toBe('run');
  });

  it('is dropped when its run is done', () => {
    expect(judge(message, { own: purge() })).toBe('drop');
    expect(judge(message, { own: purge({ outcome: 'refused' }) })).toBe('drop');
    expect(judge(message, { own: purge({ outcome: 'aborted', next: runId }) })).toBe('drop');
  });

  it('of a timer is dropped after a younger run that left nothing, but not after one that did', () => {
    expect(judge(message, { latest: purge() })).toBe('drop');
    expect(judge(message, { latest: purge({ startedAt: ago(6).toISOString() }) })).toBe('run');
    expect(judge(message, { latest: purge({ outcome: 'skipped' }, { stopReason: 'busy' }) })).toBe('run');
    expect(judge(message, { latest: purge({}, { stopReason: 'timeBudget' }) })).toBe('run');
    expect(judge(message, { latest: purge({ outcome: 'failed' }) })).toBe('run');
    expect(judge({ ...message, trigger: 'http' }, { latest: purge() })).toBe('run');
    // Nor after one that a fast clock dated ahead: it would drop every message until then.
    expect(judge(message, { latest: purge({ startedAt: ago(-6).toISOString() }) })).toBe('run');
    expect(judge(message, { latest: purge({ startedAt: ago(-4).toISOString() }) })).toBe('drop');
    expect(judge({ ...message, part: 2 }, { latest: purge() })).toBe('run');
  });

  it('of a timer is dropped when its successor is due, unless it was tried already', () => {
    expect(judge(message, {}, ago(-10))).toBe('drop');
    expect(judge(message, { deliveries: 2 }, ago(-10))).toBe('run');
  });

  it('is given up after a day', () => {
    expect(judge({ ...message, part: 2 }, {}, ago(-25 * 60))).toBe('drop');
  });

  it('that finds its table busy comes again, but not a timer’s first', () => {
    expect(comesAgainWhenBusy(message, 1)).toBe(false);
    expect(comesAgainWhenBusy(message, 2)).toBe(true);
    expect(comesAgainWhenBusy({ ...message, part: 2 }, 1)).toBe(true);
    expect(comesAgainWhenBusy({ ...message, trigger: 'http' }, 1)).toBe(true);
    expect(comesAgainWhenBusy({ ...message, job: 'index' }, 2)).toBe(false);
  });
});

describe('a message without a place at its server', () => {
  it('waits a quarter of its age, from 1 s to a minute, spread by chance', () => {
    const wait = (minutes: number, random = 0.5) => waitForPlace(workMessage({}, {}, ago(minutes)), now, random);
    expect([wait(0), wait(2), wait(60)]).toEqual([1_000, 30_000, 60_000]);
    expect([wait(2, 0), wait(2, 1)]).toEqual([15_000, 45_000]);
    expect(wait(-5)).toBe(1_000);
  });
});

describe('a purge goes on by itself', () => {
  const policy = { pauseRatio: 0.1, limit: 3, periodMs: 60 * minute };
  const end = (changes: Partial<PurgeReport> = {}, rest: Partial<PartEnd> = {}): PartEnd => ({
    run: { outcome: 'succeeded', report: { ...report, ...changes } },
    rowsLeft: undefined,
    instanceStops: false,
    ...rest,
  });

  it('when its time was up and entries are left, or it is not known how many', () => {
    expect(goesOn(end(), policy, 0)).toBe(true);
    expect(goesOn(end({ expiredRemaining: null }), policy, 0)).toBe(true);
  });

  it.each<[string, Partial<PurgeReport>]>([
    ['nothing is left', { expiredRemaining: { count: 0, estimated: false } }],
    ['it is drained', { stopReason: 'drained' }],
    ['another run is under way', { stopReason: 'busy' }],
    ['its row limit is reached', { stopReason: 'rowLimit' }],
    ['the database was above a limit until the end', { stopReason: 'unhealthy' }],
    ['it had paused for the database', { waits: { pauses: 'PT1S', load: 'PT3S', loadReasons: ['CPU 90 %'] } }],
    ['it lost its lock', { stopReason: 'aborted' }],
  ])('but not when %s', (_, changes) => {
    expect(goesOn(end(changes), policy, 0)).toBe(false);
  });

  it('but not when it failed, or nothing of its row limit is left', () => {
    expect(goesOn(end({}, { run: { outcome: 'failed', report } }), policy, 0)).toBe(false);
    expect(goesOn(end({}, { run: { outcome: 'failed' } }), policy, 0)).toBe(false);
    expect(goesOn(end({}, { rowsLeft: 0 }), policy, 0)).toBe(false);
    expect(goesOn(end({}, { rowsLeft: 1 }), policy, 0)).toBe(true);
  });

  it('when its instance is taken away', () => {
    expect(goesOn(end({ stopReason: 'aborted' }, { instanceStops: true }), policy, 0)).toBe(true);
  });

  it('after a share of its time, and soon when its instance is taken away', () => {
    expect(pauseAfter({ outcome: 'succeeded', duration: 'PT5M' }, policy)).toBe(30_000);
    expect(pauseAfter({ outcome: 'succeeded', duration: 'PT1S' }, policy)).toBe(1_000);
    expect(pauseAfter({ outcome: 'aborted', duration: 'PT5M' }, policy)).toBe(1_000);
  });

  it('no further than its row limit, of the request or else of the settings', () => {
    expect(rowsLeft({ maxRows: 150 }, 1_000, 100)).toBe(50);
    expect(rowsLeft({}, 150, 100)).toBe(50);
    expect(rowsLeft({ maxRows: 100 }, undefined, 100)).toBe(0);
    expect(rowsLeft({}, undefined, 100)).toBeUndefined();
  });

  it('at most so many times in a period', () => {
    expect(goesOn(end(), policy, 2)).toBe(true);
    expect(goesOn(end(), policy, 3)).toBe(false);
    const kept = { since: ago(59).toISOString(), count: 3 };
    expect(countOf(kept, policy.periodMs, now).count).toBe(3);
    expect(countOf(kept, policy.periodMs, ago(-1))).toEqual({ since: ago(-1).toISOString(), count: 0 });
    // One that a fast clock began would not end for as long.
    expect(countOf({ ...kept, since: ago(-10).toISOString() }, policy.periodMs, now).count).toBe(0);
    for (const broken of [undefined, 'x', { since: 'x', count: 1 }])
      expect(countOf(broken, policy.periodMs, now).count).toBe(0);
  });

  it('by a message of its own, which names the first part', () => {
    const message = workMessage({ until: ago(-10), purge: { maxRows: 9 } }, { tries: 2 }, ago(5));
    const second = nextMessage(message, runId, { maxRows: 4 }, now);
    const { until: _until, tries: _tries, ...rest } = message;
    expect(second).toEqual({
      ...rest,
      runId,
      first: message.runId,
      part: 2,
      queuedAt: now.toISOString(),
      purge: { maxRows: 4 },
    });
    expect(nextMessage(second, runId, {}, now)).toMatchObject({ first: message.runId, part: 3 });
  });
});

describe('the records of the parts of a purge', () => {
  const ids = [3, 2, 1].map((minutes) => newRunId('purge', 'default', ago(minutes))) as [string, string, string];
  const part = (index: 0 | 1 | 2, changes: Partial<RunRecord<'purge'>> = {}, ofReport: Partial<PurgeReport> = {}) =>
    purge(
      {
        runId: ids[index],
        part: index + 1,
        startedAt: ago(3 - index).toISOString(),
        ...(index > 0 && { first: ids[0] }),
        ...(index < 2 && { next: ids[index + 1] }),
        ...changes,
      },
      { stopReason: index < 2 ? 'timeBudget' : 'drained', ...ofReport },
    );
  const all = [part(0), part(1), part(2)];

  it('add up: the work is the sum, what is left is the last one’s', () => {
    const last: Partial<PurgeReport> = {
      deleted: 900,
      batches: 12,
      batchTime: { min: 'PT0.05S', median: 'PT0.1S', max: 'PT0.2S' },
      oldestExpiredAge: { before: 'P9D', after: null },
      expiredRemaining: { count: 0, estimated: false },
      duration: 'PT4M',
      warnings: ['one', 'two'],
    };
    const sum = sumOfParts([part(1, { next: undefined }, { stopReason: 'drained', ...last }), part(0)], now);
    expect(sum).toMatchObject({
      runId: ids[0],
      startedAt: ago(3).toISOString(),
      duration: 'PT2S',
      outcome: 'succeeded',
      parts: 2,
      report: {
        stopReason: 'drained',
        deleted: 1_000,
        batches: 16,
        batchTime: { min: 'PT0.05S', median: 'PT0.125S', max: 'PT0.3S' },
        oldestExpiredAge: { before: 'P10D', after: null },
        expiredRemaining: { count: 0 },
        duration: 'PT9M',
        retries: 2,
        waits: { pauses: 'PT4M', load: 'PT0S' },
        warnings: ['one', 'two'],
      },
    });
    for (const field of ['first', 'part', 'next', 'incomplete']) expect(sum).not.toHaveProperty(field);
  });

  it('are one run, whose place is that of the newest, beside others that are as they were', () => {
    const other = purge({ runId: newRunId('purge', 'default', ago(2)), part: undefined });
    expect(joinParts([part(2), other, part(1), part(0)], now)).toMatchObject([{ runId: ids[0], parts: 3 }, other]);
  });

  it('are running while another part is to come, and incomplete when it left no record for an hour', () => {
    const begun = all.slice(0, 2);
    expect(sumOfParts(begun, now)).toMatchObject({ outcome: 'running', parts: 2 });
    expect(sumOfParts(begun, now)).not.toHaveProperty('incomplete');
    expect(sumOfParts(begun, ago(-120))).toMatchObject({ outcome: 'succeeded', incomplete: true });
  });

  it('are incomplete where one is missing', () => {
    for (const some of [all.slice(1), [part(0), part(2)]])
      expect(sumOfParts(some, now)).toMatchObject({ runId: ids[0], incomplete: true, report: { deleted: 200 } });
  });

  it('hold what an instance that died had told, and are incomplete then, even if it told nothing', () => {
    expect(sumOfParts([part(0), part(1, { lost: 40 }), part(2)], now)).toMatchObject({
      incomplete: true,
      report: { deleted: 340 },
    });
    expect(sumOfParts([purge({ lost: 0 })], now)).toMatchObject({ incomplete: true, report: { deleted: 100 } });
    const { report: _report, ...failed } = purge({ outcome: 'failed', lost: 40 });
    expect(sumOfParts([failed], now)).toMatchObject({ outcome: 'failed', incomplete: true, lost: 40 });
  });

  it('end as the last one did', () => {
    const error = { code: 'database_unavailable', message: 'It is away.', advice: 'Wait.' };
    const failed = part(2, { outcome: 'failed', error }, { stopReason: 'failed' });
    expect(sumOfParts([part(0), part(1), failed], now)).toMatchObject({ outcome: 'failed', error, parts: 3 });
  });
});

describe('the timers queue their work', () => {
  const settings = (env: Record<string, string>) =>
    readSettings({ TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Username=u;Password=p', ...env }, 'table').queue;
  const storage = { AzureWebJobsStorage: 'UseDevelopmentStorage=true' };

  it('with more caches than the setting, or when asked for, where there is a storage account', () => {
    expect(queuesWork(settings(storage), 5)).toBe(false);
    expect(queuesWork(settings(storage), 6)).toBe(true);
    expect(queuesWork(settings({ ...storage, WORK_QUEUE_ABOVE: '200' }), 200)).toBe(false);
    expect(queuesWork(settings({ ...storage, WORK_QUEUE: 'always' }), 1)).toBe(true);
    expect(queuesWork(settings({ ...storage, WORK_QUEUE: 'never' }), 1_000)).toBe(false);
    expect(queuesWork(settings({}), 1_000)).toBe(false);
  });

  it('in the account of the Functions host, by connection string or identity', () => {
    const identity = { kind: 'managedIdentity', clientId: 'id' };
    expect(settings({ AzureWebJobsStorage__accountName: 'acc', AzureWebJobsStorage__clientId: 'id' }).storage).toEqual({
      queues: { endpoint: 'https://acc.queue.core.windows.net', identity },
      blobs: { endpoint: 'https://acc.blob.core.windows.net', identity },
    });
    expect(
      settings({
        AzureWebJobsStorage__queueServiceUri: 'https://q.example',
        AzureWebJobsStorage__blobServiceUri: 'https://b.example',
      }).storage,
    ).toMatchObject({ queues: { endpoint: 'https://q.example' }, blobs: { endpoint: 'https://b.example' } });
  });

  it('with nothing said of a setting that an earlier version had', () => {
    const { problems } = readSettings({ ...storage, WORK_QUEUE_TAKEOVER: 'PT2S' }, 'table');
    expect(problems.map(({ setting }) => setting)).not.toContain('WORK_QUEUE_TAKEOVER');
  });

  it.each(['A', 'ab', 'a--b', '-ab', 'ab-', 'a'.repeat(57)])('not in a queue named %j', (name) => {
    const { problems } = readSettings({ WORK_QUEUE_NAME: name }, 'table');
    expect(problems.map(({ setting }) => setting)).toContain('WORK_QUEUE_NAME');
  });
});

describe('the runs of one instance', () => {
  it('are bound for each server and kind, and one server never waits for another', async () => {
    const limits = serverLimits(2);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const run = (name: string, server: string, kind: 'change' | 'look' = 'change') =>
      limits(server, kind, () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    const all = [run('a1', 'a'), run('a2', 'a'), run('a3', 'a'), run('b1', 'b'), run('a4', 'a', 'look')];
    await new Promise((resolve) => setImmediate(resolve));
    expect(started.sort()).toEqual(['a1', 'a2', 'a4', 'b1']);
    for (const end of ends.splice(0)) end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toContain('a3');
    for (const end of ends) end();
    await Promise.all(all);
  });
});
