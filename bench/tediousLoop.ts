import { Connection, Request, TYPES } from 'tedious';
import { fromInstant, toInstant } from '../src/lib/sql/sqlserver/instant.ts';
import * as statements from '../src/lib/sql/sqlserver/statements.ts';
import type { EndpointReady } from './endpointProcess.ts';

type Row = Record<string, unknown>;

/**
 * The purge's two statements in a bare loop: one connection, one size, no lock, no look at the load, nothing measured. As
 * the purge does, it looks from the very beginning before it counts as done.
 */
export async function tediousLoop(
  { port, user, password, database }: EndpointReady,
  table: string,
  batchRows: number,
): Promise<number> {
  const connection = await connect({ port, user, password, database });
  const cutoff = new Date();
  let deleted = 0;
  try {
    let after: Date | undefined;
    for (;;) {
      const bounds: [string, Date][] = [['cutoff', cutoff], ...(after ? [['after', after] as [string, Date]] : [])];
      const range = await run(connection, statements.nextRange(table, after !== undefined, false), bounds, batchRows);
      if (!range.upTo && !after) return deleted;
      if (!range.upTo) {
        after = undefined;
        continue;
      }
      const upTo = fromInstant(toInstant(range.upTo as Date));
      const gone = await run(
        connection,
        statements.deleteRange(table, after !== undefined, false),
        [...bounds, ['upTo', upTo]],
        batchRows,
      );
      deleted += Number(gone.deleted);
      after = upTo;
    }
  } finally {
    connection.close();
  }
}

function connect({ port, user, password, database }: Omit<EndpointReady, 'connectionString'>): Promise<Connection> {
  const connection = new Connection({
    server: '127.0.0.1',
    options: { port, database, encrypt: true, trustServerCertificate: true, useColumnNames: true },
    authentication: { type: 'default', options: { userName: user, password } },
  });
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
}

function run(connection: Connection, text: string, dates: [string, Date][], limit: number): Promise<Row> {
  return new Promise((resolve, reject) => {
    let row: Row = {};
    const request = new Request(text, (error) => (error ? reject(error) : resolve(row)));
    for (const [name, value] of dates) request.addParameter(name, TYPES.DateTimeOffset, value, { scale: 7 });
    request.addParameter('limit', TYPES.Int, limit);
    request.on('row', (columns: Record<string, { value: unknown }>) => {
      row = Object.fromEntries(Object.entries(columns).map(([name, { value }]) => [name, value]));
    });
    connection.execSql(request);
  });
}
