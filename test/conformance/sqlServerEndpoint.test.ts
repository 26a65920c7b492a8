/**
 * The conformance suites with the real driver over TCP; test/support/sqlServer/endpoint.ts says what that proves. Once as
 * on Azure SQL Database, and once as on a server whose READPAST waits for locked rows.
 */
import { beforeAll, describe } from 'vitest';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);

describe('as Azure SQL Database', () => {
  const engine = endpointEngine(database, endpoint);
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeSqlConcurrency(engine);
});

describe('as a server that says that it is Babelfish', () => {
  beforeAll(() => {
    Object.assign(endpoint().server, { engineEdition: 2, productVersion: '12.0.2000.8', babelfish: '1' });
  });
  const engine = endpointEngine(database, endpoint, 'the TDS endpoint as Babelfish');
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeSqlConcurrency(engine);
});
