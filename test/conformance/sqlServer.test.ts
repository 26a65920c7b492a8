/** The conformance and concurrency suites on a real SQL Server, where TEST_SQLSERVER_CONNECTION_STRING names one; `npm run test:sqlserver`. */
import { afterAll, describe, it } from 'vitest';
import { sqlServerEngine } from '../support/sqlServerEngine.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeClearOfUnreadable } from './sqlClearUnreadable.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

const connectionString = process.env.TEST_SQLSERVER_CONNECTION_STRING;

if (connectionString) {
  const engine = await sqlServerEngine(connectionString);
  afterAll(() => engine.close());
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeClearOfUnreadable(engine);
  describeSqlConcurrency(engine);
} else {
  if (process.env.npm_lifecycle_event === 'test:sqlserver') {
    throw new Error(
      'Set TEST_SQLSERVER_CONNECTION_STRING to a database in which tables may be made, such as Server=localhost,1433;Database=test;User ID=sa;Password=…;TrustServerCertificate=true',
    );
  }
  describe('SQL Server', () => {
    it.skip('passes the conformance suites (needs TEST_SQLSERVER_CONNECTION_STRING)');
  });
}
