/** The conformance suites through PgBouncer, whose sessions are shared with others. */
import { describe } from 'vitest';
import { pgbouncerFound, usePgbouncer } from '../support/pgbouncer.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeClearOfUnreadable } from './sqlClearUnreadable.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

describe.skipIf(!pgbouncerFound).each(['session', 'transaction'] as const)('in %s mode', (mode) => {
  const database = useTestDatabase();
  const engine = postgresEngine(database, {
    name: `PostgreSQL behind a pooler in ${mode} mode`,
    // In session mode each connection that a test leaves open has one of the server's.
    url: usePgbouncer(database, mode, mode === 'session' ? { poolSize: 8 } : {}).url,
  });
  describeCacheTable(engine);
  describeSqlJobs(engine);
  describeSqlClear(engine);
  describeClearOfUnreadable(engine);
  describeSqlConcurrency(engine);
});
