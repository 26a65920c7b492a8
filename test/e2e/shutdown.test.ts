/** What is left of a run when the host takes the instance away. */
import { expect, it } from 'vitest';
import { startAzurite } from '../../dev/azurite.ts';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);

it('a run ends after its batch, and leaves its record', async () => {
  const storage = await startAzurite();
  const table = await engine.create(engine.ordinaryName);
  const settings = {
    AzureWebJobsStorage: storage.connectionString,
    TOKEN_CACHE_CONNECTION_STRING: database.url,
    PURGE_PAUSE_RATIO: '100',
  };
  try {
    await table.insert(
      Array.from({ length: 20_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -3_600_000 - index })),
    );
    const app = await startFunctionsApp(settings);
    const purge = app.call('POST', 'purge', { body: { dryRun: false } }).catch(() => undefined);
    await expect.poll(async () => (await table.ids()).length, { timeout: 20_000 }).toBeLessThan(20_000);
    await app.stop();
    await purge;

    const next = await startFunctionsApp(settings);
    const { json } = await next.call('GET', 'runs?job=purge&limit=1');
    await next.stop();
    expect(json).toMatchObject({ runs: [{ outcome: 'succeeded', report: { stopReason: 'aborted' } }] });
    const [{ report }] = json.runs as [{ report: { deleted: number } }];
    expect(await table.ids()).toHaveLength(20_000 - report.deleted);
  } finally {
    await engine.drop(engine.ordinaryName);
    await storage.stop();
  }
});
