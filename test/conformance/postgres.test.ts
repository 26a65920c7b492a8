import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlClear } from './sqlClear.ts';
import { describeClearOfUnreadable } from './sqlClearUnreadable.ts';
import { describeSqlConcurrency } from './sqlConcurrency.ts';
import { describeSqlJobs } from './sqlJobs.ts';

const engine = postgresEngine(useTestDatabase());
describeCacheTable(engine);
describeSqlJobs(engine);
describeSqlClear(engine);
describeClearOfUnreadable(engine);
describeSqlConcurrency(engine);
