import { describe, expect, it } from 'vitest';
import { addDeletedBefore, addUp } from '../../src/lib/queue/addUp.ts';
import { continuationOf, countOf, type PartEnd } from '../../src/lib/queue/continuation.ts';
import { judgeDelivery, waitForPlace } from '../../src/lib/queue/delivery.ts';
import { queuesWork } from '../../src/lib/queue/dispatch.ts';
import { readMessage } from '../../src/lib/queue/message.ts';
import { ServerLimits } from '../../src/lib/queue/serverLimits.ts';
import type { RunRecord } from '../../src/lib/runs/recordStore.ts';
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
  appPurge: null,
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
    const message = workMessage({ cache: 'web', trigger: 'http', purge: { dryRun: false, maxRows: 5 } });
    expect(readMessage(JSON.stringify(message))).toEqual(message);
    expect(readMessage(JSON.parse(JSON.stringify(message)))).toEqual(message);
  });

  it.each([
    ['no JSON', 'secret-1 {'],
    ['nothing', undefined],
    ['an unknown job', { ...workMessage(), job: 'secret-1' }],
    ['a cache that is none', { ...workMessage(), cache: '../secret-1' }],
    ['a field too many', { ...workMessage(), password: 'secret-1' }],
    ['a negative row limit', workMessage({ purge: { maxRows: -1 } })],
  ])('is refused where it is %s, without its values', (_, given) => {
    expect(() => readMessage(given)).toThrow(expect.objectContaining({ code: 'message_invalid' }));
    expect(() => readMessage(given)).not.toThrow(/secret-1/);
  });

  it('of a newer version says so', () => {
    expect(() => readMessage({ ...workMessage(), version: 2 })).toThrow(/newer version/);
  });
});

describe('a delivery', () => {
  const record = (changes: Partial<RunRecord>): RunRecord => ({
    runId: 'purge.default.00000000000deadbeef',
    job: 'purge',
    cache: 'default',
    trigger: 'timer',
    startedAt: ago(1).toISOString(),
    duration: 'PT1S',
    outcome: 'succeeded',
    report: { stopReason: 'drained' },
    ...changes,
  });
  const message = workMessage({ until: ago(-10) }, {}, ago(5));
  const judge = (
    given = message,
    facts: { own?: RunRecord; latest?: RunRecord; deliveries?: number } = {},
    at: Date = now,
  ) => judgeDelivery(given, { own: undefined, latest: undefined, deliveries: 1, ...facts, now: at }).do;

  it('is run at first, and again after a try that failed or whose instance died', () => {
    expect(judge()).toBe('run');
    expect(judge(message, { own: record({ outcome: 'failed', parts: 0 }), deliveries: 3 })).toBe('run');
    expect(judge({ ...message, takeovers: 1 })).toBe('run');
  });

  it('is dropped when its run, or its part of the run, is done', () => {
    expect(judge(message, { own: record({}) })).toBe('drop');
    const second = { ...message, part: 2 };
    expect(judge(second, { own: record({ outcome: 'running', parts: 2 }) })).toBe('drop');
    expect(judge(second, { own: record({ outcome: 'running', parts: 1 }) })).toBe('run');
    expect(judge({ ...message, part: 3 }, { own: record({ outcome: 'running', parts: 1 }) })).toBe('run');
  });

  it('of a timer is dropped after a younger run that left nothing, but not after one that did', () => {
    expect(judge(message, { latest: record({}) })).toBe('drop');
    expect(judge(message, { latest: record({ startedAt: ago(6).toISOString() }) })).toBe('run');
    expect(judge(message, { latest: record({ report: { stopReason: 'busy' } }) })).toBe('run');
    expect(judge(message, { latest: record({ outcome: 'failed' }) })).toBe('run');
    expect(judge({ ...message, trigger: 'http' }, { latest: record({}) })).toBe('run');
    expect(judge({ ...message, part: 2 }, { latest: record({}) })).toBe('run');
  });

  it('of a timer is dropped when its successor is due, unless it was tried already', () => {
    expect(judge(message, {}, ago(-10))).toBe('drop');
    expect(judge(message, { deliveries: 2 }, ago(-10))).toBe('run');
    expect(judge({ ...message, takeovers: 1 }, {}, ago(-10))).toBe('run');
  });

  it('is given up after a day, and goes to the poison queue when its instances keep dying', () => {
    expect(judge({ ...message, part: 2 }, {}, ago(-25 * 60))).toBe('drop');
    expect(judge({ ...message, takeovers: 4 })).toBe('run');
    expect(judge({ ...message, takeovers: 5 })).toBe('poison');
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
  const end: PartEnd = { report, tookMs: 5 * minute, options: {}, rowLimit: undefined, instanceStops: false };
  const next = (changes: Partial<PartEnd> = {}, used = 0) => continuationOf({ ...end, ...changes }, policy, used);

  it('when its time was up and entries are left, after a share of its time', () => {
    expect(next()).toEqual({ delayMs: 30_000, options: {} });
    expect(next({ report: { ...report, expiredRemaining: null } })).toMatchObject({ delayMs: 30_000 });
  });

  it.each([
    ['nothing is left', { expiredRemaining: { count: 0, estimated: false } }],
    ['it is drained', { stopReason: 'drained' as const }],
    ['another run is under way', { stopReason: 'busy' as const }],
    ['its row limit is reached', { stopReason: 'rowLimit' as const }],
    ['the database was above a limit until the end', { stopReason: 'unhealthy' as const }],
    ['it had paused for the database', { waits: { pauses: 'PT1S', load: 'PT3S', loadReasons: ['CPU 90 %'] } }],
    ['it lost its lock', { stopReason: 'aborted' as const }],
  ])('but not when %s', (_, changes) => {
    expect(next({ report: { ...report, ...changes } })).toHaveProperty('none');
  });

  it('when its instance is taken away', () => {
    expect(next({ report: { ...report, stopReason: 'aborted' }, instanceStops: true })).toHaveProperty('delayMs');
  });

  it('no further than its row limit, of the request or of the settings', () => {
    expect(next({ options: { maxRows: 150 } })).toMatchObject({ options: { maxRows: 50 } });
    expect(next({ rowLimit: 150 })).toMatchObject({ options: { maxRows: 50 } });
    expect(next({ options: { maxRows: 100 } })).toHaveProperty('none');
  });

  it('at most so many times in a period', () => {
    expect(next({}, 2)).toHaveProperty('delayMs');
    expect(next({}, 3)).toHaveProperty('none');
    const kept = { since: ago(59).toISOString(), count: 3 };
    expect(countOf(kept, policy.periodMs, now).count).toBe(3);
    expect(countOf(kept, policy.periodMs, ago(-1))).toEqual({ since: ago(-1).toISOString(), count: 0 });
    for (const broken of [undefined, 'x', { since: 'x', count: 1 }])
      expect(countOf(broken, policy.periodMs, now).count).toBe(0);
  });
});

describe('the reports of the parts of a run', () => {
  it('add up: the work is the sum, what is left is the last one’s', () => {
    const last: PurgeReport = {
      ...report,
      stopReason: 'drained',
      deleted: 900,
      batches: 12,
      batchTime: { min: 'PT0.05S', median: 'PT0.1S', max: 'PT0.2S' },
      oldestExpiredAge: { before: 'P9D', after: null },
      expiredRemaining: { count: 0, estimated: false },
      duration: 'PT4M',
      warnings: ['one', 'two'],
    };
    expect(addUp(report, last)).toMatchObject({
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
    });
  });

  it('begin anew where what was kept cannot be read', () => {
    for (const kept of [undefined, { cut: true }, 'x']) expect(addUp(kept, report)).toEqual(report);
  });

  it('hold what an instance that died had told', () => {
    const sum = addDeletedBefore(report, 40);
    expect(sum).toMatchObject({ deleted: 140, warnings: ['one', expect.stringContaining('ended in mid-run')] });
    expect(addDeletedBefore(report, 0)).toEqual(report);
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

  it.each(['A', 'ab', 'a--b', '-ab', 'ab-', 'a'.repeat(57)])('not in a queue named %j', (name) => {
    const { problems } = readSettings({ WORK_QUEUE_NAME: name }, 'table');
    expect(problems.map(({ setting }) => setting)).toContain('WORK_QUEUE_NAME');
  });
});

describe('the runs of one instance', () => {
  it('are bound for each server and kind, and one server never waits for another', async () => {
    const limits = new ServerLimits(2);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const run = (name: string, server: string, kind: 'change' | 'look' = 'change') =>
      limits.run(server, kind, () => {
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
