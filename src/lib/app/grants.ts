import type { Clock } from '../clock.ts';
import type { SqlCache } from '../settings/subjects.ts';
import type { Granter, GrantRequest, Script } from '../sql/grants.ts';

/** The granter of a cache's engine; its driver is loaded only now. `login`: the role of the administrator, on PostgreSQL. */
export async function openGranter(
  cache: SqlCache,
  { statementTimeoutMs, login, clock }: { statementTimeoutMs: number; login: string | undefined; clock: Clock },
): Promise<Granter> {
  if (cache.kind === 'postgres') {
    const { postgresGranter } = await import('../sql/postgres/grants.ts');
    return postgresGranter({ ...cache, statementTimeoutMs, login, clock });
  }
  const { sqlServerGranter } = await import('../sql/sqlserver/grants.ts');
  return sqlServerGranter({ ...cache, statementTimeoutMs, clock });
}

/** The statements, for somebody else to run. Asks no server. */
export async function grantScript(cache: SqlCache, request: GrantRequest): Promise<Script> {
  const database = cache.connection.database ?? 'of the cache';
  if (cache.kind === 'postgres')
    return (await import('../sql/postgres/grants.ts')).postgresScript(database, cache.table, request);
  return (await import('../sql/sqlserver/grants.ts')).sqlServerScript(database, cache.table, request);
}
