import { afterAll, beforeAll } from 'vitest';
import type { TestDatabase } from '../testDatabase.ts';
import { startEndpoint, type TdsEndpoint } from './endpoint.ts';
import { createViews } from './engine.ts';

/** An endpoint for the tests of a file, before the file's own database. */
export function useEndpoint(database: TestDatabase): () => TdsEndpoint {
  let endpoint: TdsEndpoint | undefined;
  beforeAll(async () => {
    await database.query(createViews);
    endpoint = await startEndpoint(database.url);
  });
  afterAll(() => endpoint?.close());
  return () => {
    if (!endpoint) throw new Error('the endpoint has not started yet');
    return endpoint;
  };
}
