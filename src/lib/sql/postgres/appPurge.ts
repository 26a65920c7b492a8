import { formatDuration } from '../../durations.ts';
import type { AppPurge } from '../cacheTable.ts';
import { CacheTableError } from '../cacheTableError.ts';
import type { TableName } from '../names.ts';
import type { PostgresConnections } from './connections.ts';
import * as sql from './statements.ts';

interface Row {
  sees_all: boolean;
  user: string;
  at: Date | null;
  took: number | null;
  runs: number | null;
  longest: number | null;
}

const dayMs = 86_400_000;

/**
 * Asks whether a web app still purges the table itself: sessions show their last statement, pg_stat_statements how often it
 * ran. Never fails: what cannot be read has its reason.
 */
export async function readAppPurge(connections: PostgresConnections, name: TableName): Promise<AppPurge> {
  const unknown = (reason: string): AppPurge => ({ state: 'unknown', reason });
  try {
    const [schema] = await connections.query<{ schema: string }>('read', sql.statisticsSchema());
    const statistics = schema?.schema;
    const [row] = await connections.query<Row>('read', sql.appPurge(statistics), [appDelete(name)]);
    if (row?.at && row.took !== null && connections.clock.now().getTime() - row.at.getTime() < dayMs)
      return {
        state: 'running',
        lastRunAt: row.at.toISOString(),
        lastDuration: formatDuration(row.took),
        // An idle session does not say how its last statement ended.
        lastOutcome: 'unknown',
        longest: formatDuration(Math.max(row.took, row.longest ?? 0)),
        runs: Math.max(1, row.runs ?? 0),
      };
    if (row?.runs) return { state: 'counted', runs: row.runs, longest: formatDuration(row.longest ?? 0), roseAt: null };
    if (!row?.sees_all)
      return unknown(`the statements of other users need GRANT pg_read_all_stats TO ${row?.user ?? 'this user'}`);
    return statistics
      ? { state: 'notSeen' }
      : unknown('no session shows it now, and no statistics are kept: CREATE EXTENSION pg_stat_statements');
  } catch (error) {
    if (!(error instanceof CacheTableError)) throw error;
    return unknown(`pg_stat_statements could not be read: ${error.message}`);
  }
}

/** A pattern of the statement of Microsoft.Extensions.Caching.Postgres (SqlQueries.cs), which delimits no names. */
function appDelete({ schema, table }: TableName): string {
  const part = (name: string) => `"?${name.replaceAll('"', '""').replace(/[^\p{L}\p{N}_]/gu, '\\$&')}"?`;
  const qualified = `${schema === 'public' ? `(${part(schema)}\\.)?` : `${part(schema)}\\.`}${part(table)}`;
  return `^\\s*delete\\s+from\\s+${qualified}\\s+where\\s+"?expiresattime"?\\s*<\\s*\\$1\\s*;?\\s*$`;
}
