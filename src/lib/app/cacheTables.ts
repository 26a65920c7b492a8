import type { Clock } from '../clock.ts';
import type { SqlCache } from '../settings/subjects.ts';
import type { AppPurge, CacheTable } from '../sql/cacheTable.ts';
import type { KeptFacts } from '../sql/keptFacts.ts';
import type { Facts } from '../sql/sqlserver/sqlServerCacheTable.ts';

const hourMs = 3_600_000;

/** The adapter of a cache's engine. Its driver is loaded only now: a function app with one engine pays for one. */
export async function openTable(
  cache: SqlCache,
  statementTimeoutMs: number,
  clock: Clock,
  kept?: KeptFacts,
): Promise<CacheTable> {
  switch (cache.kind) {
    case 'postgres': {
      const { postgresCacheTable } = await import('../sql/postgres/postgresCacheTable.ts');
      return postgresCacheTable({ ...cache, statementTimeoutMs, clock });
    }
    case 'sqlserver': {
      const { sqlServerCacheTable } = await import('../sql/sqlserver/sqlServerCacheTable.ts');
      const known = kept && {
        kept: kept.of<Facts>(cache.name),
        // A large Query Store is slow to read, and entries are counted every few minutes.
        keptLook: kept.of<AppPurge>(`${cache.name}|appPurge`, hourMs),
      };
      return sqlServerCacheTable({ ...cache, statementTimeoutMs, clock, ...known });
    }
  }
}
