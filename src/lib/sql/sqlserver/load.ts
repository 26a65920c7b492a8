import type { DatabaseLoad } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';

/** Asked between two batches: an answer that takes longer is none. */
const timeLimitMs = 5_000;

/** What the server tells of its load. What it does not tell, or not to this login, stands in `unknown`; the run goes on. */
export async function readSqlServerLoad(
  connections: SqlServerConnections,
  traits: ServerTraits,
  user: string,
): Promise<DatabaseLoad> {
  const load: DatabaseLoad = { readings: {}, unknown: [] };
  const grant = `GRANT ${traits.azureSqlDatabase ? 'VIEW DATABASE STATE' : 'VIEW SERVER STATE'} TO ${user}`;
  if (traits.azureSqlDatabase) {
    await attempt(load, `CPU, data IO and log writes need ${grant}`, async () => {
      const [row] = await connections.query<{ cpu: number; dataIo: number; logWrite: number }>(
        'read',
        statements.resourceStats(),
        {},
        { timeLimitMs },
      );
      if (row)
        Object.assign(load.readings, { cpuPercent: row.cpu, dataIoPercent: row.dataIo, logWritePercent: row.logWrite });
    });
  }
  await attempt(load, `lock waits need ${grant}`, async () => {
    const [row] = await connections.query<{ seesServer: number | null; seesDatabase: number | null; waits: number }>(
      'read',
      statements.lockWaits(),
      {},
      { timeLimitMs },
    );
    if (traits.azureSqlDatabase ? row?.seesDatabase : row?.seesServer) load.readings.lockWaits = row?.waits ?? 0;
    else load.unknown.push(`lock waits need ${grant}`);
  });
  return load;
}

async function attempt(load: DatabaseLoad, needs: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof CacheTableError)) throw error;
    load.unknown.push(error.code === 'permission_missing' ? needs : error.message);
  }
}
