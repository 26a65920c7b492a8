/**
 * The work queue, end to end: the built functions behind the local host in processes of their own, which share one Azurite and
 * one PostgreSQL as instances in Azure would. The queue trigger is dev/queueListener.ts, which says what it does not prove.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { run } from '../support/childProcess.ts';
import { startFaultProxy } from '../support/faultProxy.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
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
const apps: FunctionsApp[] = [];

async function startApp(settings: Record<string, string> = {}): Promise<FunctionsApp> {
  const app = await startFunctionsApp({
    AzureWebJobsStorage: storage.connectionString,
    TEST_QUEUE: 'true',
    TOKEN_CACHE_CONNECTION_STRING: database.url,
    PURGE_PAUSE_RATIO: '0',
    PURGE_PACE: 'PT0S',
    ...settings,
  });
  apps.push(app);
  return app;
}

/** As `kill -9`. */
async function kill(app: FunctionsApp): Promise<void> {
  apps.splice(apps.indexOf(app), 1);
  await app.kill();
}

/** The connection string with a proxy in front of one service of the storage. */
async function proxied(service: 'Queue' | 'Table') {
  const [endpoint = '', port] =
    new RegExp(`${service}Endpoint=http://127\\.0\\.0\\.1:(\\d+)`).exec(storage.connectionString) ?? [];
  const proxy = await startFaultProxy(Number(port));
  const address = `${service}Endpoint=http://127.0.0.1:${proxy.port}`;
  return { proxy, connectionString: storage.connectionString.replace(endpoint, address) };
}

async function runs(app: FunctionsApp, query: string) {
  return (await app.call('GET', `runs?${query}`)).json.runs as Record<string, unknown>[];
}

beforeAll(async () => {
  storage = await startAzurite();
  queue = testQueue(storage.connectionString);
});
afterAll(() => storage.stop());
beforeEach(async () => {
  table = await engine.create(engine.ordinaryName);
  await table.insert([
    ...Array.from({ length: 5_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
    { id: 'alive', expiresInMs: hour },
  ]);
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop()));
  await queue.clear();
  await engine.drop(engine.ordinaryName);
});

/** A database server that takes connections and says nothing. */
async function silentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, connections: () => sockets.size, close };
}

/** Each batch takes half a second, and so a thousand rows or less: a purge is met in mid-run, however fast or busy the machine is. */
const slow = { PURGE_BATCH_TARGET: 'PT0.5S' };
async function slowDown(): Promise<void> {
  await database.query(
    `create or replace function slow_down() returns trigger language plpgsql as
       'begin perform pg_sleep(0.5); return null; end';
     create trigger slow before delete on ${engine.ordinaryName} for each statement execute function slow_down()`,
  );
}

/** No statement of a killed instance is under way any more: the server ends one that it has begun. */
async function untilServerNoticed(): Promise<void> {
  const theirs =
    "select 1 from pg_stat_activity where datname = current_database() and application_name = 'token-cache-maintenance'";
  await expect.poll(() => database.query(theirs)).toEqual([]);
}

describe('timers with a work queue', () => {
  it('run few caches themselves, without a message', async () => {
    const app = await startApp({ WORK_QUEUE_NAME: 'nobody-reads-this', TEST_QUEUE: '' });
    await app.fire('purgeExpiredEntries');
    await expect.poll(() => table.ids()).toEqual(['alive']);
    expect(await testQueue(storage.connectionString, 'nobody-reads-this').count()).toBe(0);
  });

  it('queue one message per cache and job when asked for, and the queue works them off', async () => {
    // The second is a setting of an earlier version, which says nothing any more.
    const app = await startApp({ WORK_QUEUE: 'always', WORK_QUEUE_TAKEOVER: 'PT2S' });
    await app.fire('purgeExpiredEntries');
    await app.fire('recordCacheCounts');
    await expect.poll(() => table.ids()).toEqual(['alive']);
    await expect.poll(() => queue.count()).toBe(0);
    expect((await runs(app, 'job=purge'))[0]).toMatchObject({
      trigger: 'timer',
      outcome: 'succeeded',
      queuedAt: expect.any(String),
      parts: 1,
      report: { stopReason: 'drained', deleted: 5_000 },
    });
    await expect
      .poll(() => runs(app, 'job=counts'))
      .toMatchObject([{ outcome: 'succeeded', trigger: 'timer', queuedAt: expect.any(String) }]);
    expect(app.log()).not.toContain('WORK_QUEUE_TAKEOVER');
  });

  it('do the work of a cache while all places of a server that never answers are taken', async () => {
    const silent = await silentServer();
    const names = Array.from({ length: 5 }, (_, index) => `silent-${index}`);
    const cache = (name: string, connectionStringSetting: string) => ({
      name,
      engine: 'postgres',
      connectionStringSetting,
    });
    const app = await startApp({
      TOKEN_CACHES: JSON.stringify([cache('good', 'GOOD'), ...names.map((name) => cache(name, 'SILENT'))]),
      GOOD: database.url,
      SILENT: `Host=127.0.0.1;Port=${silent.port};Username=u;Password=p;Database=d`,
    });
    for (const job of ['purge', 'counts'] as const)
      for (const name of names) await queue.put(workMessage({ job, subject: name }));
    await expect.poll(() => silent.connections(), { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
    await queue.put(workMessage({ subject: 'good' }));
    await expect.poll(() => table.ids(), { timeout: 8_000 }).toEqual(['alive']);
    await kill(app);
    silent.close();
  });

  it('queue with more caches than the setting, and a broken one stops no other', async () => {
    const caches = ['a', 'b', 'c'].map((name) => ({
      name,
      engine: 'postgres',
      connectionStringSetting: `CACHE_${name}`,
    }));
    const app = await startApp({
      TOKEN_CACHES: JSON.stringify(caches),
      WORK_QUEUE_ABOVE: '2',
      CACHE_a: 'Host=127.0.0.1;Port=1;Username=u;Password=secret-1;Database=d',
      CACHE_b: database.url,
      CACHE_c: database.url,
      PURGE_TIME_BUDGET: 'PT1S',
    });
    await app.fire('purgeExpiredEntries');
    await expect.poll(() => table.ids()).toEqual(['alive']);
    await expect.poll(async () => (await queue.poisoned()).length, { timeout: 60_000 }).toBe(1);
    expect(await queue.poisoned()).toMatchObject([{ job: 'purge', subject: 'a' }]);
    await app.fire('purgeExpiredEntries');
    await expect.poll(() => app.log(), { timeout: 60_000 }).toContain('since one like it is in the poison queue');
    expect(await queue.poisoned()).toHaveLength(1);
    expect((await app.call('GET', 'health')).json.status).toBe('degraded');
    const { text, json } = await app.call('GET', 'status');
    // One finding for all of its tries and messages.
    const findings = (json.findings as { check: string; subject: string }[]).filter(({ check }) =>
      ['job-failures', 'poison-messages'].includes(check),
    );
    expect(findings).toMatchObject([{ check: 'job-failures', subject: 'cache a' }]);
    expect(await runs(app, 'job=purge&subject=a')).toHaveLength(2);
    expect(`${app.log()}${text}${JSON.stringify(await queue.poisoned())}`).not.toContain('secret-1');
  });
});

describe('a purge over HTTP with Prefer: respond-async', () => {
  const headers = { prefer: 'respond-async' };

  it('is queued, can be followed, and leaves one record', async () => {
    await slowDown();
    const app = await startApp(slow);
    const { status, headers: given, json } = await app.call('POST', 'purge', { body: { dryRun: false }, headers });
    expect(status).toBe(202);
    expect(given.get('location')).toBe(`/api/runs/${json.runId}`);
    expect(given.get('preference-applied')).toBe('respond-async');
    const follow = async () => (await app.call('GET', `runs/${json.runId}`)).json;
    expect(['queued', 'running']).toContain((await follow()).outcome);
    await expect.poll(async () => (await follow()).outcome).toBe('running');
    await expect.poll(async () => (await follow()).outcome, { timeout: 60_000 }).toBe('succeeded');
    expect(await follow()).toMatchObject({
      trigger: 'http',
      requestedBy: { by: 'function key' },
      report: { stopReason: 'drained', deleted: 5_000 },
    });
    expect(await table.ids()).toEqual(['alive']);
  });

  it('goes on in parts until nothing is left, and its records add up to one run', async () => {
    await slowDown();
    const app = await startApp({ ...slow, PURGE_CONTINUATION_PAUSE: '0' });
    const { json } = await app.call('POST', 'purge', { body: { dryRun: false, timeBudget: 'PT1S' }, headers });
    const follow = async () => (await app.call('GET', `runs/${json.runId}`)).json;
    await expect.poll(async () => (await follow()).outcome, { timeout: 90_000 }).toBe('succeeded');
    const record = await follow();
    expect(record).toMatchObject({ report: { deleted: 5_000, expiredRemaining: { count: 0 } } });
    expect(record).not.toHaveProperty('incomplete');
    expect(record.parts).toBeGreaterThan(1);
    // Also where the list has fewer records than the run has parts.
    for (const query of ['job=purge&subject=default', 'job=purge&subject=default&limit=1'])
      expect(await runs(app, query)).toEqual([record]);
    expect(await queue.count()).toBe(0);
  });

  it('is answered at once with the report where there is no queue', async () => {
    const app = await startApp({ AzureWebJobsStorage: '', RECORD_STORE: 'none' });
    const { status, json } = await app.call('POST', 'purge', { body: { dryRun: false }, headers });
    expect(status).toBe(200);
    expect(json).toMatchObject({ report: { deleted: 5_000 } });
  });

  it('deletes at most the rows asked for, in all of its parts together', async () => {
    await slowDown();
    const app = await startApp({ ...slow, PURGE_CONTINUATION_PAUSE: '0' });
    const body = { dryRun: false, timeBudget: 'PT1S', maxRows: 3_000 };
    const { json } = await app.call('POST', 'purge', { body, headers });
    const follow = async () => (await app.call('GET', `runs/${json.runId}`)).json;
    await expect.poll(async () => (await follow()).outcome, { timeout: 90_000 }).toBe('succeeded');
    expect(await table.ids()).toHaveLength(2_001);
  });
});

describe('delivery at least once', () => {
  it('does no harm when a message comes twice at once, again later, or after a younger run', async () => {
    await slowDown();
    const app = await startApp(slow);
    const message = workMessage();
    await queue.put(message);
    await queue.put(message);
    await expect.poll(() => table.ids(), { timeout: 60_000 }).toEqual(['alive']);
    await expect.poll(() => queue.count()).toBe(0);
    const [record] = await runs(app, 'job=purge');
    expect(record).toMatchObject({ runId: message.runId, outcome: 'succeeded' });
    await queue.put(message);
    await queue.put(workMessage({}, {}, new Date(Date.now() - hour)));
    await expect.poll(() => queue.count()).toBe(0);
    expect(await runs(app, 'job=purge')).toEqual([record]);
    expect(app.log()).toMatch(/dropped, since its run is done/);
    expect(app.log()).toMatch(/dropped, since a younger run has done its work/);
  });

  it('shows a purge whose instance was killed as lost, and lets another go on, within its row limit', async () => {
    await slowDown();
    const first = await startApp(slow);
    const { json } = await first.call('POST', 'purge', {
      body: { dryRun: false, maxRows: 4_500 },
      headers: { prefer: 'respond-async' },
    });
    await expect.poll(async () => (await table.ids()).length, { interval: 20 }).toBeLessThan(4_001);
    await kill(first);
    await untilServerNoticed();
    const left = (await table.ids()).length;
    expect(left).toBeGreaterThan(501);
    const onlooker = await startApp({ TEST_QUEUE: '' });
    const running = async () =>
      ((await onlooker.call('GET', 'status')).json.subjects as { running: object }[])[0]?.running;
    expect(await running()).toMatchObject({ runId: json.runId, lost: false });
    await expect.poll(running, { timeout: 60_000, interval: 1_000 }).toMatchObject({ runId: json.runId, lost: true });
    const { deleted: told } = (await running()) as { deleted: number };
    expect(told).toBeLessThanOrEqual(5_001 - left);

    await startApp(slow);
    const follow = async () => (await onlooker.call('GET', `runs/${json.runId}`)).json;
    await expect.poll(async () => (await follow()).outcome, { timeout: 60_000 }).toBe('succeeded');
    // What it had deleted and not told is beyond the limit, so there may be less left than the limit allows.
    const deleted = Math.min(4_500, told + left - 1);
    const stopReason = deleted === 4_500 ? 'rowLimit' : 'drained';
    expect(await follow()).toMatchObject({ incomplete: true, parts: 1, report: { stopReason, deleted } });
    expect((await table.ids()).length).toBe(left - (deleted - told));
    expect(await running()).toBeNull();
    expect(await runs(onlooker, 'job=purge')).toEqual([await follow()]);
  });

  it('goes on from the part in which an instance died, and no part follows twice', async () => {
    await slowDown();
    const settings = { ...slow, PURGE_CONTINUATION_PAUSE: '0', PURGE_TIME_BUDGET: 'PT1S' };
    const first = await startApp(settings);
    const message = workMessage();
    await queue.put(message);
    const onlooker = await startApp({ TEST_QUEUE: '' });
    const parts = async () => (await onlooker.call('GET', `runs/${message.runId}`)).json.parts ?? 0;
    await expect.poll(parts, { interval: 50 }).toBeGreaterThan(0);
    await kill(first);
    await Promise.all([startApp(settings), startApp(settings)]);
    await expect.poll(() => table.ids(), { timeout: 110_000 }).toEqual(['alive']);
    await expect.poll(() => queue.count(), { timeout: 60_000 }).toBe(0);
    const [whole, ...others] = await runs(onlooker, 'job=purge');
    expect(others).toEqual([]);
    expect(whole).toMatchObject({ runId: message.runId, outcome: 'succeeded' });
    const { report, incomplete } = whole as { report: { deleted: number }; incomplete?: boolean };
    expect(report.deleted).toBeLessThanOrEqual(5_000);
    expect(report.deleted === 5_000 || incomplete).toBe(true);
  });

  it('moves a message that cannot be read to the poison queue after its tries, and goes on with others', async () => {
    const app = await startApp();
    await queue.put('no JSON at all');
    await queue.put({ ...workMessage(), version: 3 });
    await queue.put(workMessage());
    await expect.poll(() => table.ids()).toEqual(['alive']);
    await expect.poll(async () => (await queue.poisoned()).length, { timeout: 60_000 }).toBe(2);
    expect(app.log()).not.toContain('no JSON at all');
    // The terminal looks at the same queue.
    const state = await mkdtemp(join(tmpdir(), 'token-cache-status-'));
    const settings = { AzureWebJobsStorage: storage.connectionString, TOKEN_CACHE_CONNECTION_STRING: database.url };
    const places = { RECORD_STORE: 'table', XDG_STATE_HOME: state };
    const told = await run('bin/token-cache.js', ['status', '--json'], { ...settings, ...places });
    await rm(state, { recursive: true });
    const { findings } = JSON.parse(told.stdout) as { findings: { check: string; subject: string }[] };
    const ofQueue = (found: typeof findings) => found.filter(({ subject }) => subject.startsWith('queue '));
    expect(ofQueue(findings)).toMatchObject([{ check: 'poison-messages' }]);
    expect(ofQueue((await app.call('GET', 'status')).json.findings as typeof findings)).toEqual(ofQueue(findings));
  });

  it('says so while the queue is away, and goes on when it is back', async () => {
    const { proxy, connectionString } = await proxied('Queue');
    const app = await startApp({ AzureWebJobsStorage: connectionString, WORK_QUEUE: 'always' });
    proxy.setFaults(() => 'cut');
    await app.fire('purgeExpiredEntries');
    await expect.poll(() => app.log()).toContain('1 messages for the queue token-cache-maintenance, 1 of them failed');
    const { status, json } = await app.call('POST', 'purge', { body: {}, headers: { prefer: 'respond-async' } });
    expect([status, json.code]).toEqual([503, 'queue_unavailable']);
    expect(await table.ids()).toHaveLength(5_001);
    proxy.setFaults(() => 'pass');
    await app.fire('purgeExpiredEntries');
    await expect.poll(() => table.ids()).toEqual(['alive']);
    await Promise.all(apps.splice(0).map((one) => one.stop()));
    await proxy.close();
  });
});

describe('while the records are away', () => {
  it('nothing is queued over HTTP, and the answers say what to check', async () => {
    const { proxy, connectionString } = await proxied('Table');
    const app = await startApp({ AzureWebJobsStorage: connectionString });
    proxy.setFaults(() => 'cut');
    const answers = [
      await app.call('POST', 'purge', { body: { dryRun: false }, headers: { prefer: 'respond-async' } }),
      await app.call('GET', `runs/${workMessage().runId}`),
      await app.call('GET', 'runs'),
    ];
    for (const { status, json } of answers) {
      expect([status, json.code]).toEqual([503, 'records_unavailable']);
      expect(json.advice).toContain('Storage Table Data Contributor');
    }
    expect(await queue.count()).toBe(0);
    proxy.setFaults(() => 'pass');
    await Promise.all(apps.splice(0).map((one) => one.stop()));
    await proxy.close();
  });
});

describe('the places of a database server', () => {
  it('bound its runs over all instances; a message without a place waits, and counts no failed try', async () => {
    await engine.create('public.other');
    const caches = ['tokencache', 'other'].map((name) => ({
      name,
      engine: 'postgres',
      connectionStringSetting: 'CACHE',
      table: `public.${name}`,
    }));
    await slowDown();
    const settings = { ...slow, TOKEN_CACHES: JSON.stringify(caches), CACHE: database.url, SERVER_CONCURRENCY: '1' };
    const both = [await startApp(settings), await startApp(settings)];
    await queue.put(workMessage({ subject: 'tokencache' }));
    await expect.poll(async () => (await table.ids()).length, { interval: 20 }).toBeLessThan(5_001);
    await queue.put(workMessage({ subject: 'other' }));
    const log = () => both.map((app) => app.log()).join('\n');
    await expect.poll(log).toContain('purge other: put back, since its server has no place free');
    await expect
      .poll(async () => (await runs(both[0] as FunctionsApp, 'job=purge&cache=other')).length, { timeout: 90_000 })
      .toBe(1);
    expect(log()).toMatch(/purge tokencache: drained/);
    expect(await queue.poisoned()).toEqual([]);
    await engine.drop('public.other');
  });
});
