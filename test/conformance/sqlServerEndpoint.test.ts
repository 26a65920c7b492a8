/** The conformance suites with the real driver over TCP; test/support/sqlServer/endpoint.ts says what that proves. */
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import { describeCacheTable } from './cacheTable.ts';
import { describeSqlJobs } from './sqlJobs.ts';

const database = useTestDatabase();
const engine = endpointEngine(database, useEndpoint(database));
describeCacheTable(engine);
describeSqlJobs(engine);
