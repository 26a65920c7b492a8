import { Connection, Request, TYPES } from 'tedious';
import { fromInstant, toInstant } from '../src/lib/sql/sqlserver/instant.ts';
import * as statements from '../src/lib/sql/sqlserver/statements.ts';
import { appStatements } from '../test/support/sqlServer/appStatements.ts';
import type { EndpointReady } from './endpointProcess.ts';

/** Rows, and the time from the first statement to the last. */
export interface Deleted {
  rows: number;
  ms: number;
}

/** As the purge reads them ahead at this size. */
const rangesAhead = 5;

type Row = Record<string, unknown>;

/**
 * The purge's two statements in a bare loop: one connection, one size, no lock, no look at the load, nothing measured. As
 * the purge does, it looks from the very beginning before it counts as done.
 */
export async function tediousLoop(
  { port, user, password, database }: EndpointReady,
  table: string,
  batchRows: number,
): Promise<Deleted> {
  const connection = await connect({ port, user, password, database });
  const cutoff = new Date();
  const start = performance.now();
  let deleted = 0;
  try {
    let after: Date | undefined;
    for (;;) {
      const bounds = (): [string, Date][] => [
        ['cutoff', cutoff],
        ...(after ? [['after', after] as [string, Date]] : []),
      ];
      const look = statements.nextRanges(table, after !== undefined, false);
      const ranges = await run(connection, look, bounds(), { limit: batchRows, count: rangesAhead });
      if (ranges.length === 0 && !after) return { rows: deleted, ms: performance.now() - start };
      if (ranges.length === 0) after = undefined;
      for (const range of ranges.slice(0, rangesAhead)) {
        const upTo = fromInstant(toInstant(range.upTo as Date));
        const text = statements.deleteRange(table, after !== undefined, false);
        const [gone] = await run(connection, text, [...bounds(), ['upTo', upTo]], { limit: batchRows });
        deleted += Number(gone?.deleted);
        after = upTo;
      }
    }
  } finally {
    connection.close();
  }
}

/** The usual loop: `DELETE TOP` until a batch is not full. */
export async function deleteTopLoop(
  { port, user, password, database }: EndpointReady,
  table: string,
): Promise<Deleted> {
  const connection = await connect({ port, user, password, database });
  const now = new Date();
  const start = performance.now();
  const limit = 1_000;
  let deleted = 0;
  try {
    for (;;) {
      const [gone] = await run(connection, appStatements.deleteTop(table), [['UtcNow', now]], { limit });
      deleted += Number(gone?.deleted);
      if (Number(gone?.deleted) < limit) return { rows: deleted, ms: performance.now() - start };
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

function run(
  connection: Connection,
  text: string,
  dates: [string, Date][],
  numbers: Record<string, number>,
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const rows: Row[] = [];
    const request = new Request(text, (error) => (error ? reject(error) : resolve(rows)));
    for (const [name, value] of dates) request.addParameter(name, TYPES.DateTimeOffset, value, { scale: 7 });
    for (const [name, value] of Object.entries(numbers)) request.addParameter(name, TYPES.Int, value);
    request.on('row', (columns: Record<string, { value: unknown }>) => {
      rows.push(Object.fromEntries(Object.entries(columns).map(([name, { value }]) => [name, value])));
    });
    connection.execSql(request);
  });
}
