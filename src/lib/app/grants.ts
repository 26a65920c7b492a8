import type { Clock } from '../clock.ts';
import type { RingTable, SqlCache } from '../settings/subjects.ts';
import type { Granter, GrantRequest, Script } from '../sql/grants.ts';

/** A table of a cache or of a key ring. */
export type GrantedTable = SqlCache | RingTable;

/** The granter of a table's engine; its driver is loaded only now. `login`: the role of the administrator, on PostgreSQL. */
export async function openGranter(
  place: GrantedTable,
  { statementTimeoutMs, login, clock }: { statementTimeoutMs: number; login: string | undefined; clock: Clock },
): Promise<Granter> {
  if (place.kind === 'postgres') {
    const { postgresGranter } = await import('../sql/postgres/grants.ts');
    return postgresGranter({ ...place, statementTimeoutMs, login, clock });
  }
  const { sqlServerGranter } = await import('../sql/sqlserver/grants.ts');
  return sqlServerGranter({ ...place, statementTimeoutMs, clock });
}

/** The statements, for somebody else to run. Asks no server. */
export async function grantScript(place: GrantedTable, request: GrantRequest): Promise<Script> {
  const database = place.connection.database ?? 'of the table';
  if (place.kind === 'postgres')
    return (await import('../sql/postgres/grants.ts')).postgresScript(database, place.table, request);
  return (await import('../sql/sqlserver/grants.ts')).sqlServerScript(database, place.table, request);
}
