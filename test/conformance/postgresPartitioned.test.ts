/** The conformance suites on a partitioned table, directly and through PgBouncer. */
import { describe } from 'vitest';
import { pgbouncerFound, usePgbouncer } from '../support/pgbouncer.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeClearOfUnreadable } from './sqlClearUnreadable.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

describe.each(['no pooler', 'session', 'transaction'] as const)('partitioned, with %s', (mode) => {
  const isPooled = mode !== 'no pooler';
  describe.skipIf(isPooled && !pgbouncerFound)('in between', () => {
    const database = useTestDatabase();
    const engine = postgresEngine(database, {
      name: `partitioned PostgreSQL (${mode})`,
      partitions: 4,
      ...(isPooled && { url: usePgbouncer(database, mode).url }),
    });
    describeCacheTable(engine);
    describeSqlJobs(engine);
    describeSqlClear(engine);
    describeClearOfUnreadable(engine);
    describeSqlConcurrency(engine);
  });
});
