import { MaintenanceError } from '../errors.ts';
import { parseConnectionString as parseRedis } from '../redis/connectionString.ts';
import type { RedisConnection } from '../redis/redisConnection.ts';
import { parseConnectionString as parsePostgres } from '../sql/postgres/connectionString.ts';
import type { SqlConnection } from '../sql/sqlConnection.ts';
import { parseConnectionString as parseSqlServer } from '../sql/sqlserver/connectionString.ts';

interface Connections {
  redis: RedisConnection;
  sqlserver: SqlConnection;
  postgres: SqlConnection;
}

const readers: { [K in keyof Connections]: (text: string) => Connections[K] } = {
  redis: (text) => parseRedis(text),
  sqlserver: (text) => parseSqlServer(withLogin(text)),
  postgres: (text) => parsePostgres(text),
};

/** A connection string that stands in a web app's source; undefined where it cannot be read, of which nothing is repeated. */
export function readConnectionText<K extends keyof Connections>(kind: K, text: string): Connections[K] | undefined {
  try {
    return readers[kind](text);
  } catch (error) {
    if (error instanceof MaintenanceError) return undefined;
    throw error;
  }
}

/** An app may log in by Windows, or use LocalDB, as this tool cannot: what else the string says is read all the same. */
function withLogin(text: string): string {
  const byWindows = /(^|;)\s*(Integrated Security|Trusted_Connection)\s*=\s*(true|yes|sspi)\s*(?=;|$)/i;
  const local = text.replace(/=\s*\(localdb\)[^;]*/i, '=localhost');
  return byWindows.test(local) ? `${local.replace(byWindows, '')};User ID=windows;Password=windows` : local;
}
