/**
 * The conformance suites with the real driver over TCP; test/support/sqlServer/endpoint.ts says what that proves. Once as
 * on Azure SQL Database, and once as on a table whose row locks are switched off, of an edition that builds indexes offline.
 */
import { beforeAll, describe } from 'vitest';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeClearOfUnreadable } from './sqlClearUnreadable.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);

describe('as Azure SQL Database', () => {
  const engine = endpointEngine(database, endpoint);
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeClearOfUnreadable(engine);
  describeSqlConcurrency(engine);
});

describe('on a partitioned table', () => {
  const engine = endpointEngine(database, endpoint, 'the TDS endpoint with a partitioned table', 3);
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeClearOfUnreadable(engine);
  describeSqlConcurrency(engine);
});

describe('as SQL Server 2016 Standard, with ALLOW_ROW_LOCKS = OFF', () => {
  beforeAll(() => {
    Object.assign(endpoint().server, { engineEdition: 2, productVersion: '13.0.6300.2', rowLocks: false });
  });
  const engine = endpointEngine(database, endpoint, 'the TDS endpoint without row locks');
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeClearOfUnreadable(engine);
  describeSqlConcurrency(engine);
});
