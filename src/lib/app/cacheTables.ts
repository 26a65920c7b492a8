import type { Clock } from '../clock.ts';
import type { SqlCache } from '../settings/subjects.ts';
import type { CacheTable } from '../sql/cacheTable.ts';
import type { KeptFacts } from '../sql/keptFacts.ts';

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
      return sqlServerCacheTable({ ...cache, statementTimeoutMs, clock, ...(kept && { kept: kept.of(cache.name) }) });
    }
  }
}
