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
  { azureSqlDatabase }: ServerTraits,
  user: string,
): Promise<DatabaseLoad> {
  const load: DatabaseLoad = { readings: {}, unknown: [] };
  const grant = `GRANT ${azureSqlDatabase ? 'VIEW DATABASE STATE' : 'VIEW SERVER STATE'} TO ${user}`;
  const ask = async <R>(text: string, needs: string): Promise<R | undefined> => {
    try {
      return (await connections.query<R>('read', text, {}, { timeLimitMs }))[0];
    } catch (error) {
      if (!(error instanceof CacheTableError)) throw error;
      load.unknown.push(error.code === 'permission_missing' ? `${needs} need ${grant}` : error.message);
      return undefined;
    }
  };
  if (azureSqlDatabase) {
    const text = statements.resourceStats();
    const row = await ask<{ cpu: number; dataIo: number; logWrite: number }>(text, 'CPU, data IO and log writes');
    if (row) load.readings = { cpuPercent: row.cpu, dataIoPercent: row.dataIo, logWritePercent: row.logWrite };
  }
  const waits = await ask<{ seesServer: number | null; seesDatabase: number | null; waits: number }>(
    statements.lockWaits(),
    'lock waits',
  );
  if (azureSqlDatabase ? waits?.seesDatabase : waits?.seesServer) load.readings.lockWaits = waits?.waits ?? 0;
  else if (waits) load.unknown.push(`lock waits need ${grant}`);
  return load;
}
