import { entraToken } from '../entraToken.ts';
import type { CacheSettings } from '../settings/cacheSettings.ts';
import type { CacheTable } from '../sqlCache/cacheTable.ts';
import { unsuitableEngine } from './cachesOfEngine.ts';

/** The adapter of a cache's engine. Its driver is loaded only now: a function app with one engine pays for one. */
export async function openTable(
  { name, engine, connectionString, table }: CacheSettings,
  statementTimeoutMs: number,
): Promise<CacheTable> {
  switch (engine) {
    case 'postgres': {
      const { PostgresCacheTable } = await import('../sqlCache/postgres/postgresCacheTable.ts');
      return new PostgresCacheTable({ connectionString, table, statementTimeoutMs, token: entraToken });
    }
    case 'sqlserver': {
      const { SqlServerCacheTable } = await import('../sqlCache/sqlServer/sqlServerCacheTable.ts');
      return new SqlServerCacheTable({ connectionString, table, statementTimeoutMs });
    }
    case 'redis':
      throw unsuitableEngine(
        `${name} is a Redis cache.`,
        'Redis expires its entries itself: purge, index and counts are for SQL caches.',
      );
  }
}
