import { formatDuration } from '../../durations.ts';
import type { AppPurge } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { SqlServerConnections } from './connections.ts';
import { type Parameters, text } from './parameters.ts';
import type { ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';

interface Row {
  state: number;
  lastRunAt: Date | null;
  lastDuration: string | null;
  outcome: number | null;
  longest: string | null;
  runs: string | null;
}

/** A large Query Store is slow to read; what it says is not worth more of the database's time. */
const timeLimitMs = 5_000;
const dayMs = 86_400_000;
/** sys.query_store_runtime_stats: 0 regular, 3 cancelled by the client (a timeout, mostly), 4 an error. */
const outcomes = { 3: 'cancelled', 4: 'failed' } as const;

/** The statement of Microsoft.Extensions.Caching.SqlServer (SqlQueries.cs), which delimits names as we do. */
export const appDelete = (table: string): Parameters => ({
  appDelete: text(4000, `DELETE FROM ${table} WHERE @UtcNow > ExpiresAtTime`),
});

/** Asks Query Store whether a web app still purges the table itself. Never fails: what cannot be read has its reason. */
export async function readAppPurge(
  connections: SqlServerConnections,
  traits: ServerTraits,
  user: string,
): Promise<AppPurge> {
  const unknown = (reason: string): AppPurge => ({ state: 'unknown', reason });
  if (!traits.queryStore) return unknown('this server has no Query Store');
  const parameters = appDelete(connections.table);
  try {
    const [row] = await connections.query<Row>('read', statements.appPurge(), parameters, { timeLimitMs });
    // 0 is off, 3 an error; without the right to see it, some versions show no row.
    if (!row) return unknown(`Query Store needs GRANT VIEW DATABASE STATE TO ${user}`);
    if (row.lastRunAt) return shape(row, row.lastRunAt, connections.clock.now());
    return row.state === 1 || row.state === 2 ? { state: 'notSeen' } : unknown('Query Store is off in this database');
  } catch (error) {
    if (!(error instanceof CacheTableError)) throw error;
    return error.code === 'permission_missing'
      ? unknown(`Query Store needs GRANT VIEW DATABASE STATE TO ${user}`)
      : unknown(`Query Store could not be read: ${error.message}`);
  }
}

function shape({ lastDuration, longest, runs, outcome }: Row, lastRunAt: Date, now: Date): AppPurge {
  const duration = (microseconds: string | null) => formatDuration(Number(microseconds ?? 0) / 1_000);
  return {
    state: now.getTime() - lastRunAt.getTime() < dayMs ? 'running' : 'stopped',
    lastRunAt: lastRunAt.toISOString(),
    lastDuration: duration(lastDuration),
    lastOutcome: outcome === 3 || outcome === 4 ? outcomes[outcome] : 'done',
    longest: duration(longest),
    runs: Number(runs ?? 0),
  };
}
