import { systemClock } from '../../src/lib/clock.ts';
import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';
import { parseConnectionString as parsePostgres } from '../../src/lib/sql/postgres/connectionString.ts';
import { postgresCacheTable } from '../../src/lib/sql/postgres/postgresCacheTable.ts';
import { parseTableName as parsePostgresTable } from '../../src/lib/sql/postgres/tableName.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sql/sqlserver/connectionString.ts';
import { type SqlServerOptions, sqlServerCacheTable } from '../../src/lib/sql/sqlserver/sqlServerCacheTable.ts';
import { parseTableName as parseSqlServerTable } from '../../src/lib/sql/sqlserver/tableName.ts';

/** Adapters, by texts as the settings have them. */

export function openPostgres(
  connectionString: string,
  table = 'public.tokencache',
  statementTimeoutMs = 30_000,
): CacheTable {
  return postgresCacheTable({
    connection: parsePostgres(connectionString),
    table: parsePostgresTable(table),
    statementTimeoutMs,
    clock: systemClock,
  });
}

export function openSqlServer(
  connectionString: string,
  table: string,
  { statementTimeoutMs = 30_000, credential, kept, keptLook }: Partial<SqlServerOptions> = {},
): CacheTable {
  return sqlServerCacheTable({
    connection: parseSqlServer(connectionString),
    table: parseSqlServerTable(table),
    statementTimeoutMs,
    clock: systemClock,
    credential,
    ...(kept && { kept }),
    ...(keptLook && { keptLook }),
  });
}
