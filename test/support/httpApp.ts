/** The built HTTP functions over one PostgreSQL cache with 1,000 expired entries and a live one, on Azurite, for one test file. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { type FunctionsApp, startFunctionsApp } from './functionsApp.ts';
import { postgresEngine } from './postgresEngine.ts';
import { useTestDatabase } from './testDatabase.ts';
import type { TestTable } from './testTable.ts';

const hour = 3_600_000;

/** Entries of the table at the start of each test. */
export const entriesAtStart = 1_001;

export function useHttpApp(settings: Record<string, string> = {}) {
  const database = useTestDatabase();
  const engine = postgresEngine(database);
  const parts: { storage?: LocalStorage; app?: FunctionsApp; table?: TestTable } = {};
  const need = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('not started yet');
    return part;
  };

  beforeAll(async () => {
    parts.storage = await startAzurite();
    parts.app = await startFunctionsApp({
      AzureWebJobsStorage: parts.storage.connectionString,
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      PURGE_BATCH_TARGET: 'PT0.05S',
      PURGE_PAUSE_RATIO: '0',
      PURGE_PACE: 'PT0S',
      ...settings,
    });
  });
  afterAll(async () => {
    await parts.app?.stop();
    await parts.storage?.stop();
  });
  beforeEach(async () => {
    parts.table = await engine.create(engine.ordinaryName);
    await parts.table.insert([
      ...Array.from({ length: 1_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
      { id: 'alive', expiresInMs: hour },
    ]);
  });
  afterEach(() => engine.drop(engine.ordinaryName));

  return {
    database,
    storage: () => need(parts.storage),
    app: () => need(parts.app),
    table: () => need(parts.table),
  };
}
