import { parseConnectionString as parsePostgres } from '../../src/lib/sql/postgres/connectionString.ts';
import { PostgresCacheTable } from '../../src/lib/sql/postgres/postgresCacheTable.ts';
import { parseTableName as parsePostgresTable } from '../../src/lib/sql/postgres/tableName.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sql/sqlserver/connectionString.ts';
import { SqlServerCacheTable, type SqlServerOptions } from '../../src/lib/sql/sqlserver/sqlServerCacheTable.ts';
import { parseTableName as parseSqlServerTable } from '../../src/lib/sql/sqlserver/tableName.ts';

/** Adapters, by texts as the settings have them. */

export function openPostgres(
  connectionString: string,
  table = 'public.tokencache',
  statementTimeoutMs = 30_000,
): PostgresCacheTable {
  return new PostgresCacheTable({
    connection: parsePostgres(connectionString),
    table: parsePostgresTable(table),
    statementTimeoutMs,
  });
}

export function openSqlServer(
  connectionString: string,
  table: string,
  { statementTimeoutMs = 30_000, credential }: Partial<SqlServerOptions> = {},
): SqlServerCacheTable {
  return new SqlServerCacheTable({
    connection: parseSqlServer(connectionString),
    table: parseSqlServerTable(table),
    statementTimeoutMs,
    credential,
  });
}
