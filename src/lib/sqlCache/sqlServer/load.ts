import type { DatabaseLoad } from '../cacheTable.ts';
import type { SqlServerConnections } from './connections.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';

/** What the server tells of its load. What it does not tell, or not to this login, stands in `unknown`; the run goes on. */
export async function readSqlServerLoad(
  connections: SqlServerConnections,
  traits: ServerTraits,
  user: string,
): Promise<DatabaseLoad> {
  const load: DatabaseLoad = { readings: {}, unknown: [] };
  if (traits.babelfish) return { readings: {}, unknown: ['Babelfish has no views of its load'] };
  if (traits.azureSqlDatabase) {
    await attempt(load, async () => {
      const [row] = await connections.query<{ cpu: number; dataIo: number; logWrite: number }>(
        'read',
        statements.resourceStats(),
      );
      if (row)
        Object.assign(load.readings, { cpuPercent: row.cpu, dataIoPercent: row.dataIo, logWritePercent: row.logWrite });
    });
  }
  await attempt(load, async () => {
    const [row] = await connections.query<{ seesServer: number | null; seesDatabase: number | null; waits: number }>(
      'read',
      statements.lockWaits(),
    );
    if (traits.azureSqlDatabase ? row?.seesDatabase : row?.seesServer) load.readings.lockWaits = row?.waits ?? 0;
    else
      load.unknown.push(
        `lock waits need GRANT ${traits.azureSqlDatabase ? 'VIEW DATABASE STATE' : 'VIEW SERVER STATE'} TO ${user}`,
      );
  });
  return load;
}

async function attempt(load: DatabaseLoad, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    load.unknown.push(error instanceof Error ? error.message : 'unknown failure');
  }
}
