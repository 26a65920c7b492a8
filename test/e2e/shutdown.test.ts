/** What is left of a run when the host takes the instance away. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const rows = 20_000;
let storage: LocalStorage;
let table: TestTable;

beforeAll(async () => {
  storage = await startAzurite();
});
afterAll(() => storage.stop());
beforeEach(async () => {
  table = await engine.create(engine.ordinaryName);
  await table.insert(
    Array.from({ length: rows }, (_, index) => ({ id: `e${index}`, expiresInMs: -3_600_000 - index })),
  );
});
afterEach(() => engine.drop(engine.ordinaryName));

const start = (settings: Record<string, string> = {}) =>
  startFunctionsApp({
    AzureWebJobsStorage: storage.connectionString,
    TOKEN_CACHE_CONNECTION_STRING: database.url,
    PURGE_PAUSE_RATIO: '100',
    ...settings,
  });
const hasBegun = () => expect.poll(async () => (await table.ids()).length).toBeLessThan(rows);

it('a run ends after its batch, and leaves its record', async () => {
  const app = await start();
  const purge = app.call('POST', 'purge', { body: { dryRun: false } }).catch(() => undefined);
  await hasBegun();
  await app.stop();
  await purge;

  const next = await start();
  const { json } = await next.call('GET', 'runs?job=purge&limit=1');
  await next.stop();
  expect(json).toMatchObject({ runs: [{ outcome: 'aborted', report: { stopReason: 'aborted' } }] });
  const [{ report }] = json.runs as [{ report: { deleted: number } }];
  expect(await table.ids()).toHaveLength(rows - report.deleted);
});

it('a run from the queue hands on what is left to another instance, and nothing is missing from its sum', async () => {
  const app = await start({ TEST_QUEUE: 'true' });
  const { json } = await app.call('POST', 'purge', { body: { dryRun: false }, headers: { prefer: 'respond-async' } });
  await hasBegun();
  await app.stop();
  expect((await table.ids()).length).toBeGreaterThan(0);

  const next = await start({ TEST_QUEUE: 'true', PURGE_PAUSE_RATIO: '0' });
  const run = async () => (await next.call('GET', `runs/${json.runId}`)).json;
  await expect.poll(async () => (await run()).outcome).toBe('succeeded');
  expect(await run()).toMatchObject({ parts: 2, report: { stopReason: 'drained', deleted: rows } });
  expect(await run()).not.toHaveProperty('incomplete');
  await next.stop();
});
