/** What becomes of a message that an instance is given, on Azurite and PostgreSQL, in the test's own process; the trigger around it is in test/e2e. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { serverOf } from '../../src/lib/app/databaseServers.ts';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { QueueWork } from '../../src/lib/app/queueWork.ts';
import { openRecordStore } from '../../src/lib/app/recordStores.ts';
import { openWorkQueue } from '../../src/lib/app/workQueues.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { WorkMessage } from '../../src/lib/queue/message.ts';
import { findRun } from '../../src/lib/runs/pendingRuns.ts';
import { runningKey } from '../../src/lib/runs/runningState.ts';
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

/** An instance of an app with these settings. */
function instance(env: Record<string, string> = {}) {
  const settings = readSettings(
    {
      AzureWebJobsStorage: storage.connectionString,
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      SERVER_CONCURRENCY: '1',
      ...env,
    },
    'table',
  );
  const records = openRecordStore(settings.recordStore);
  const lines: string[] = [];
  const log = (_level: string, line: string) => void lines.push(line);
  const adapters = openWorkQueue(settings.queue);
  if (!adapters) throw new Error('no queue');
  const work = new QueueWork({
    adapters,
    maintenance: new Maintenance(settings, log, records),
    settings,
    records,
    clock: systemClock,
    log,
    stopSignal: new AbortController().signal,
    random: () => 0,
  });
  const takePlace = async (cache: string) => adapters.slots.tryTake(serverOf(settings, cache) ?? '', 'change');
  return { work, records, lines, takePlace };
}

/** The next message of the queue, as soon as it can be seen. */
async function nextMessage(): Promise<WorkMessage> {
  await expect.poll(() => queue.visible(), { timeout: 10_000 }).not.toEqual([]);
  const [message] = await queue.visible();
  return message as WorkMessage;
}

describe('a purge that another instance began and did not end', () => {
  it('deletes no more than its row limit together with it', async () => {
    const { work, records } = instance();
    const message = workMessage({ trigger: 'http', purge: { maxRows: 100 } }, { takeovers: 1, deletedBefore: 70 });
    await work.workOff(message, 1);
    expect(await table.ids()).toHaveLength(71);
    expect(await records.getRun(message.runId)).toMatchObject({ outcome: 'succeeded', report: { deleted: 100 } });
  });

  it('deletes nothing more where the limit of the settings was reached', async () => {
    const { work } = instance({ PURGE_ROW_LIMIT: '70' });
    await work.workOff(workMessage({}, { takeovers: 1, deletedBefore: 70 }), 1);
    expect(await table.ids()).toHaveLength(101);
  });
});

describe('the second delivery of a message whose first is at work', () => {
  it('leaves the record to the first', async () => {
    const { work, records } = instance();
    const message = workMessage();
    const first = table.open();
    const lock = await first.tryLock('purge');
    await records.writeState(runningKey('default'), {
      runId: message.runId,
      startedAt: message.queuedAt,
      deleted: 30,
      updatedAt: message.queuedAt,
    });
    await work.workOff(message, 1);
    expect(await records.getRun(message.runId)).toBeUndefined();
    expect(await queue.count()).toBe(0);
    await lock?.release();
    await first.close();
  });

  it('does not keep another instance from going on when the first has died', async () => {
    const { work, records } = instance();
    const message = workMessage();
    const first = table.open();
    const lock = await first.tryLock('purge');
    await work.workOff(message, 1);
    expect(await records.getRun(message.runId)).toMatchObject({ report: { stopReason: 'busy', deleted: 0 } });
    await lock?.release();
    await first.close();
    await work.workOff({ ...message, takeovers: 1 }, 1);
    expect(await table.ids()).toEqual(['alive']);
    expect(await records.getRun(message.runId)).toMatchObject({ report: { stopReason: 'drained', deleted: 100 } });
  });
});

describe('a message that fails', () => {
  const broken = { TOKEN_CACHE_CONNECTION_STRING: 'Host=127.0.0.1;Port=1;Username=u;Password=p;Database=d' };

  it('lies in the poison queue after 5 tries, those before it was put back included', async () => {
    const { work, takePlace } = instance({ ...broken, PURGE_TIME_BUDGET: 'PT1S' });
    const place = await takePlace('default');
    const message = workMessage();
    await work.workOff(message, 4);
    const again = await nextMessage();
    expect(again).toEqual({ ...message, tries: 3 });
    await place?.release();
    await expect(work.workOff(again, 1)).rejects.toThrow();
    await work.workOff(again, 2);
    expect(await queue.poisoned()).toEqual([message]);
  });

  it('is dropped instead where no cache has its name any more', async () => {
    const { work, lines } = instance();
    const message = workMessage({ cache: 'removed' });
    await expect(work.workOff(message, 4)).rejects.toThrow('No cache is named removed');
    await work.workOff(message, 5);
    expect(lines).toContain('purge removed: dropped after 5 tries, since no cache is named so');
    expect(await queue.poisoned()).toEqual([]);
  });
});

describe('a purge without a record store', () => {
  it('goes on no more often than the setting says', async () => {
    await table.insert(Array.from({ length: 40_000 }, (_, index) => ({ id: `more${index}`, expiresInMs: -hour })));
    const { work } = instance({
      RECORD_STORE: 'none',
      PURGE_TIME_BUDGET: 'PT1S',
      PURGE_PAUSE_RATIO: '100',
      PURGE_BATCH_TARGET: 'PT0.01S',
      PURGE_CONTINUATIONS: '2',
      PURGE_CONTINUATION_PAUSE: '0',
    });
    await work.workOff(workMessage({}, { part: 2 }), 1);
    expect(await queue.count()).toBe(1);
    await queue.clear();
    await work.workOff(workMessage({}, { part: 3 }), 1);
    expect(await queue.count()).toBe(0);
  });
});

describe('a run id that is none', () => {
  it.each(['', 'x'.repeat(3_000), '../state', '\ud800', "purge|default'"])('finds no run: %j', async (id) => {
    const refusing = new Proxy(instance().records, {
      get: () => () => Promise.reject(new Error('the storage was asked')),
    });
    expect(await findRun(refusing, id)).toBeUndefined();
  });
});
