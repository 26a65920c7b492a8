/** What becomes of a message that an instance is given, on Azurite and PostgreSQL, in the test's own process; the trigger around it is in test/e2e. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { serverOf } from '../../src/lib/app/databaseServers.ts';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { QueueWork } from '../../src/lib/app/queueWork.ts';
import { openRecordStore } from '../../src/lib/app/recordStores.ts';
import { openWorkQueue } from '../../src/lib/app/workQueues.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { MaintenanceError } from '../../src/lib/errors.ts';
import type { WorkMessage } from '../../src/lib/queue/message.ts';
import { findRun, keepPending } from '../../src/lib/runs/pendingRuns.ts';
import type { RecordStore } from '../../src/lib/runs/recordStore.ts';
import { runningState } from '../../src/lib/runs/runningState.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';
import { type TestQueue, testQueue, workMessage } from '../support/workQueue.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
let storage: LocalStorage;
let queue: TestQueue;
let table: TestTable;

beforeAll(async () => {
  storage = await startAzurite();
  queue = testQueue(storage.connectionString);
});
afterAll(() => storage.stop());
beforeEach(async () => {
  table = await engine.create(engine.ordinaryName);
  await table.insert([
    ...Array.from({ length: 100 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour })),
    { id: 'alive', expiresInMs: hour },
  ]);
});
afterEach(async () => {
  await engine.drop(engine.ordinaryName);
  await queue.clear();
});

/** An instance of an app with these settings; `away` is what of its storage does not answer. */
function instance(
  env: Record<string, string> = {},
  away: Partial<Record<keyof RecordStore | 'put', boolean>> = {},
  clock: Clock = systemClock,
) {
  const settings = readSettings(
    {
      AzureWebJobsStorage: storage.connectionString,
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      SERVER_CONCURRENCY: '1',
      ...env,
    },
    'table',
  );
  const refuse = async () => {
    throw new Error('The storage does not answer, sig=secret-1.');
  };
  const records = new Proxy(openRecordStore(settings.recordStore), {
    get: (store, key: keyof RecordStore) => {
      const part = store[key];
      if (typeof part !== 'function') return part;
      return away[key] ? refuse : part.bind(store);
    },
  });
  const lines: string[] = [];
  const log = (_level: string, line: string) => void lines.push(line);
  const adapters = openWorkQueue(settings.queue);
  if (!adapters) throw new Error('no queue');
  const put = adapters.queue.put.bind(adapters.queue);
  adapters.queue.put = async (message, delayMs) => {
    if (away.put) throw new MaintenanceError('queue_unavailable', 'The queue is away.', 'Wait.');
    await put(message, delayMs);
  };
  const work = new QueueWork({
    adapters,
    maintenance: new Maintenance(settings, log, records, clock),
    settings,
    records,
    clock,
    log,
    stopSignal: new AbortController().signal,
    random: () => 0,
  });
  const takePlace = async (cache: string) => adapters.slots.tryTake(serverOf(settings, cache) ?? '', 'change');
  const find = (id: string) => findRun(records, id, new Date());
  return { work, records, lines, takePlace, find };
}

/** The next message of the queue, as soon as it can be seen. */
async function nextMessage(): Promise<WorkMessage> {
  await expect.poll(() => queue.visible(), { timeout: 30_000 }).not.toEqual([]);
  const [message] = await queue.visible();
  return message as WorkMessage;
}

const clockAt = (seconds: number): Clock => ({ ...systemClock, now: () => new Date(Date.now() + seconds * 1_000) });

/** What a run told so long ago, and then nothing. */
async function tellAs(records: RecordStore, { runId }: WorkMessage, deleted: number, secondsAgo: number) {
  const state = runningState(records, 'default', runId, clockAt(-secondsAgo));
  await state.begin(deleted);
  state.end();
}

/** Another run holds the table while `work` runs. */
async function whileHeld(work: () => Promise<void>): Promise<void> {
  const other = table.open();
  const lock = await other.tryLock('purge');
  await work();
  await lock?.release();
  await other.close();
}

/** One part takes a second, and leaves something. */
async function manyEntries() {
  await table.insert(Array.from({ length: 40_000 }, (_, index) => ({ id: `more${index}`, expiresInMs: -hour })));
  return {
    PURGE_TIME_BUDGET: 'PT1S',
    PURGE_PAUSE_RATIO: '100',
    PURGE_BATCH_TARGET: 'PT0.01S',
    PURGE_CONTINUATION_PAUSE: '0',
  };
}

describe('a purge whose instance died', () => {
  it('deletes no more than its row limit together with what that told, and is incomplete', async () => {
    const { work, records, find } = instance();
    const message = workMessage({ trigger: 'http', purge: { maxRows: 100 } });
    await tellAs(records, message, 70, 60);
    await work.workOff(message, 2);
    expect(await table.ids()).toHaveLength(71);
    expect(await records.getRun(message.runId)).toMatchObject({ lost: 70, part: 1, report: { deleted: 30 } });
    expect(await find(message.runId)).toMatchObject({
      outcome: 'succeeded',
      incomplete: true,
      report: { stopReason: 'rowLimit', deleted: 100 },
    });
  });

  it('deletes nothing more where the limit of the settings was reached', async () => {
    const { work, records } = instance({ PURGE_ROW_LIMIT: '70' });
    const message = workMessage();
    await tellAs(records, message, 70, 60);
    await work.workOff(message, 2);
    expect(await table.ids()).toHaveLength(101);
  });

  it('comes again where another run holds the table, and then tells of both', async () => {
    const { work, records, find } = instance();
    const message = workMessage();
    await tellAs(records, message, 70, 60);
    await whileHeld(() => work.workOff(message, 2));
    expect(await records.getRun(message.runId)).toBeUndefined();
    expect(await queue.count()).toBe(1);
    await work.workOff(message, 1);
    expect(await find(message.runId)).toMatchObject({ incomplete: true, report: { deleted: 170 } });
  });
});

describe('the second delivery of a message whose first is at work', () => {
  it('leaves the record to the first, and comes again in case that dies', async () => {
    const { work, records } = instance();
    const message = workMessage();
    await tellAs(records, message, 30, 0);
    await whileHeld(() => work.workOff(message, 2));
    // Also when the first has let the table go, and its record is not there yet.
    await work.workOff(message, 3);
    expect(await table.ids()).toHaveLength(101);
    expect(await records.getRun(message.runId)).toBeUndefined();
    expect(await queue.count()).toBe(2);
  });
});

describe('a message that finds its table busy', () => {
  it('is skipped where it is a timer’s', async () => {
    const { work, records } = instance();
    const message = workMessage();
    await whileHeld(() => work.workOff(message, 1));
    expect(await records.getRun(message.runId)).toMatchObject({ outcome: 'skipped', queuedAt: message.queuedAt });
    expect(await queue.count()).toBe(0);
  });

  it('comes again until it is done where somebody asked for it', async () => {
    const { work, find } = instance();
    const { runId } = await work.put({ job: 'purge', subject: 'default', trigger: 'http' });
    const message = await nextMessage();
    await queue.take();
    await whileHeld(() => work.workOff(message, 1));
    expect(await find(runId)).toMatchObject({ outcome: 'queued' });
    expect(await queue.count()).toBe(1);
    await work.workOff(message, 1);
    expect(await find(runId)).toMatchObject({ outcome: 'succeeded', report: { deleted: 100 } });
  });
});

describe('a message that fails', () => {
  const broken = { TOKEN_CACHE_CONNECTION_STRING: 'Host=127.0.0.1;Port=1;Username=u;Password=p;Database=d' };

  it('lies in the poison queue after 5 tries, those before it was put back included, and leaves one record', async () => {
    const { work, records, takePlace } = instance({ ...broken, PURGE_TIME_BUDGET: 'PT1S' });
    const place = await takePlace('default');
    const message = workMessage();
    await work.workOff(message, 4);
    const again = await nextMessage();
    expect(again).toEqual({ ...message, tries: 3 });
    await place?.release();
    await expect(work.workOff(again, 1)).rejects.toThrow();
    await work.workOff(again, 2);
    expect(await queue.poisoned()).toEqual([message]);
    expect(await records.latestRuns('purge', 'default', 10)).toMatchObject([
      { runId: message.runId, outcome: 'failed', error: { code: 'database_unavailable' } },
    ]);
  });

  it('of a timer is dropped where one like it was given up within a day, but not for a time that is ahead', async () => {
    const { work, records } = instance({ ...broken, PURGE_TIME_BUDGET: 'PT1S' });
    const givenUp = async (ms: number) => {
      await records.writeState('poisoned|purge|default', new Date(Date.now() + ms).toISOString());
      return work.workOff(workMessage({ until: new Date(Date.now() + hour) }), 5);
    };
    await givenUp(-hour);
    await expect(givenUp(hour)).rejects.toThrow();
    await expect(givenUp(-25 * hour)).rejects.toThrow();
  });

  it('in mid-run keeps what it did, over all of its tries, and its row limit', async () => {
    const { work, find } = instance();
    await table.insert(
      Array.from({ length: 3_000 }, (_, index) => ({ id: `row${index}`, expiresInMs: -3 * hour + index })),
    );
    await database.query(`create function refuse() returns trigger language plpgsql as
      $$ begin if old.id = 'row1500' then raise exception 'not this one' using errcode = 'disk_full'; end if; return old; end $$`);
    await database.query(
      'create trigger refuse before delete on public.tokencache for each row execute function refuse()',
    );
    const message = workMessage({ trigger: 'http', purge: { maxRows: 2_500 } });
    await expect(work.workOff(message, 1)).rejects.toThrow('not this one');
    const first = await find(message.runId);
    expect(first).toMatchObject({ outcome: 'queued', report: { stopReason: 'failed' } });
    const deleted = first?.job === 'purge' && first.report && !first.report.dryRun ? first.report.deleted : 0;
    expect(deleted).toBeGreaterThan(0);
    await database.query('drop function refuse cascade');
    await work.workOff(message, 2);
    const whole = await find(message.runId);
    expect(whole).toMatchObject({ outcome: 'succeeded', report: { stopReason: 'rowLimit', deleted: 2_500 } });
    expect(whole).not.toHaveProperty('incomplete');
    expect(await table.ids()).toHaveLength(601);
  });

  it('is not tried again where it is refused: no cache has its name', async () => {
    const { work, records } = instance();
    const message = workMessage({ subject: 'removed' });
    await work.workOff(message, 1);
    expect(await records.getRun(message.runId)).toMatchObject({ outcome: 'refused', error: { code: 'cache_unknown' } });
    expect(await queue.poisoned()).toEqual([]);
  });
});

describe('a purge whose time is up', () => {
  it('goes on by a message of its own, whose part has a record of its own', async () => {
    const { work, records, find } = instance(await manyEntries());
    const message = workMessage();
    await work.workOff(message, 1);
    const second = await nextMessage();
    const { first: _first, ...asked } = message;
    expect(second).toMatchObject({ subject: asked.subject, trigger: 'timer', first: message.runId, part: 2 });
    expect(await records.getRun(message.runId)).toMatchObject({ part: 1, next: second.runId });
    expect(await find(message.runId)).toMatchObject({ outcome: 'running', parts: 1 });
    await work.workOff(second, 1);
    expect(await records.getRun(second.runId)).toMatchObject({ first: message.runId, part: 2 });
    expect(await find(message.runId)).toMatchObject({ parts: 2 });
  });

  it('has its next part queued when its message comes again, where that failed at first, and only once', async () => {
    const away = { put: true };
    const { work, records, lines } = instance(await manyEntries(), away);
    const message = workMessage();
    await expect(work.workOff(message, 1)).rejects.toThrow('The queue is away.');
    const record = await records.getRun(message.runId);
    expect(record).toMatchObject({ outcome: 'succeeded', next: expect.any(String) });
    away.put = false;
    await work.workOff(message, 2);
    const second = await nextMessage();
    expect(second).toMatchObject({ runId: record?.next, first: message.runId, part: 2 });
    expect(lines.at(-1)).toBe('purge default: dropped, since its run is done');
    // Delivered once more, before the second part has begun and when it is done.
    await work.workOff(message, 3);
    expect(await queue.count()).toBe(2);
    await queue.take();
    await work.workOff(second, 1);
    const after = await records.getRun(second.runId);
    await work.workOff(second, 1);
    await work.workOff(message, 4);
    expect(await records.latestRuns('purge', 'default', 10)).toEqual([after, record]);
  });

  it('goes on no more often than the setting says, also without a record store', async () => {
    const { work } = instance({ ...(await manyEntries()), RECORD_STORE: 'none', PURGE_CONTINUATIONS: '2' });
    await work.workOff(workMessage({}, { part: 2 }), 1);
    expect(await queue.count()).toBe(1);
    await queue.take();
    await work.workOff(workMessage({}, { part: 3 }), 1);
    expect(await queue.count()).toBe(0);
  });
});

describe('while the records are away', () => {
  const unavailable = expect.objectContaining({
    code: 'records_unavailable',
    advice: expect.stringContaining('Storage Table Data Contributor'),
  });

  it('nothing is queued over HTTP', async () => {
    const { work } = instance({}, { writeState: true });
    await expect(work.put({ job: 'purge', subject: 'default', trigger: 'http' })).rejects.toEqual(unavailable);
    expect(await queue.count()).toBe(0);
  });

  const successor = (ms: number) => ({ until: new Date(Date.now() + ms) });

  it.each<[string, Parameters<typeof workMessage>[0], WorkMessage['tries']]>([
    ['of a timer', successor(hour), undefined],
    ['that somebody asked for, at its last try', { trigger: 'http' }, 4],
  ])(
    'a message %s is put back for a minute, which is not a try, and deletes nothing that it cannot tell of',
    async (_, given, tries) => {
      for (const away of [{ getRun: true }, { writeState: true }]) {
        const { work, lines } = instance({}, away);
        const message = workMessage(given, tries ? { tries } : {});
        await work.workOff(message, 1);
        expect(await table.ids()).toHaveLength(101);
        expect([await queue.count(), await queue.visible(), await queue.poisoned()]).toEqual([1, [], []]);
        expect(lines.join('\n')).toContain('put back, since the record store cannot be reached');
        await queue.clear();
      }
    },
  );

  it('a timer’s that was never tried is dropped when its successor is due, so that they do not pile up', async () => {
    await instance({}, { getRun: true }).work.workOff(workMessage(successor(-1)), 1);
    expect(await queue.count()).toBe(0);
  });

  it('it is the host’s to give it again where the queue does not take it back, or when a day has gone by', async () => {
    const { work } = instance({}, { getRun: true, put: true });
    await expect(work.workOff(workMessage(), 1)).rejects.toThrow('The queue is away.');
    const old = { ...workMessage({ trigger: 'http' }), queuedAt: new Date(Date.now() - 25 * hour).toISOString() };
    await expect(instance({}, { getRun: true, writeState: true }).work.workOff(old, 1)).rejects.toEqual(unavailable);
  });

  it('a run whose record cannot be kept comes again, and is incomplete', async () => {
    const { work, lines } = instance({}, { addRun: true });
    const message = workMessage(successor(hour));
    await work.workOff(message, 1);
    expect(await table.ids()).toEqual(['alive']);
    expect(lines.join('\n')).toContain('The record of a run could not be kept');
    expect(await queue.count()).toBe(1);
    // Also when its successor is due by then.
    const later = instance({}, {}, clockAt(2 * 3_600));
    await later.work.workOff({ ...message, tries: 1 }, 1);
    expect(await later.find(message.runId)).toMatchObject({ outcome: 'succeeded', incomplete: true });
  });
});

describe('a message', () => {
  it.each(['index', 'counts'] as const)('of %s leaves a record that says since when it was queued', async (job) => {
    const { work, records } = instance();
    const message = workMessage({ job });
    await work.workOff(message, 1);
    expect(await records.getRun(message.runId)).toMatchObject({
      outcome: 'succeeded',
      trigger: 'timer',
      queuedAt: message.queuedAt,
    });
  });

  it('of redis too', async () => {
    const { work, records } = instance({
      TOKEN_CACHES: JSON.stringify([{ name: 'web', engine: 'redis', connectionStringSetting: 'WEB' }]),
      WEB: '127.0.0.1:1,ssl=False,connectTimeout=500',
      TOKEN_CACHE_CONNECTION_STRING: '',
    });
    const message = workMessage({ job: 'redis', subject: 'web' });
    await work.workOff(message, 1).catch(() => undefined);
    expect(await records.getRun(message.runId)).toMatchObject({ job: 'redis', queuedAt: message.queuedAt });
  });

  it('of version 1, in mid-chain when the app was updated, is worked off, and its parts add up', async () => {
    const { work, records, find } = instance();
    const { subject: cache, version: _version, ...message } = workMessage({ trigger: 'http' });
    // Version 1 kept one record for all parts.
    await work.workOff({ ...message, version: 2, subject: cache }, 1);
    const { part: _part, dryRun: _dryRun, subject: _subject, ...part } = (await records.getRun(message.runId)) ?? {};
    await records.addRun({ ...part, cache, outcome: 'running', parts: 1 } as never);
    await table.insert(Array.from({ length: 20 }, (_, index) => ({ id: `later${index}`, expiresInMs: -hour })));
    await work.workOff({ ...message, version: 1, cache, part: 2, takeovers: 1, deletedBefore: 5 }, 1);
    expect(await table.ids()).toEqual(['alive']);
    expect(await find(message.runId)).toMatchObject({ outcome: 'succeeded', report: { deleted: 120 } });
  });
});

describe('a run that somebody asked for', () => {
  it('is given up for good when a day has gone by, whatever became of its instances', async () => {
    const { work, records, find } = instance();
    const run = await work.put({ job: 'purge', subject: 'default', trigger: 'http' });
    const old = new Date(Date.now() - 25 * hour).toISOString();
    await keepPending(records, { ...run, queuedAt: old, startedAt: old, outcome: 'running' });
    expect(await find(run.runId)).toMatchObject({ outcome: 'failed', error: { code: 'run_lost' } });
    await work.workOff({ ...(await nextMessage()), queuedAt: old }, 1);
    expect(await find(run.runId)).toMatchObject({ outcome: 'failed', error: { code: 'run_dropped' } });
  });

  it.each(['', 'x'.repeat(3_000), '../state', '\ud800', "purge|default'"])(
    'is not looked for where its id is not one: %j',
    async (id) => {
      const { find } = instance({}, { getRun: true, readState: true });
      expect(await find(id)).toBeUndefined();
    },
  );
});
