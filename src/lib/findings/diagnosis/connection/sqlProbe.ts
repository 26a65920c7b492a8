import type { Socket } from 'node:net';
import type { Evidence } from '../../../checks/check.ts';
import { MaintenanceError } from '../../../errors.ts';
import type { CacheTable, SqlEngine } from '../../../sql/cacheTable.ts';
import { CacheTableError } from '../../../sql/cacheTableError.ts';
import type { SqlConnection, SqlTls } from '../../../sql/sqlConnection.ts';
import { clientWords, Line } from './line.ts';
import { Lines } from './lines.ts';
import { type ConnectionProbe, noAnswer } from './probe.ts';
import { databaseCauses, refine } from './refine.ts';
import { agreeOnTls } from './tdsTls.ts';

/** What its server is called, and how TLS begins on the line to it. */
const servers: Record<
  SqlEngine,
  { kind: string; secure(line: Line, tls: SqlTls, signal: AbortSignal): Promise<Evidence[]> }
> = {
  sqlserver: {
    kind: 'SQL Server',
    secure: async (line, tls, signal) =>
      tls.direct
        ? line.secure({ ...tls, alpn: ['tds/8.0'] }, signal)
        : line.secure(tls, signal, await agreeOnTls(line.socket, line.target, signal)),
  },
  postgres: {
    kind: 'PostgreSQL',
    secure: async (line, tls, signal) => {
      // With `SSL Negotiation=Direct` the handshake comes first (PostgreSQL 17 and later).
      if (tls.direct) return line.secure({ ...tls, alpn: ['postgresql'] }, signal);
      await askForTls(line.socket, line.target);
      return line.secure(tls, signal);
    },
  },
};

/** What is asked of the table; `clock` reads of it as its jobs do. */
export type ProbedTable = Pick<CacheTable, 'close'> & {
  inspection: Pick<CacheTable['inspection'], 'database'>;
  clock(purpose: 'delete'): Promise<unknown>;
};

/**
 * A SQL cache, or a key ring in a table: the line by itself, then login, database and table with the driver.
 * @param open a table of the probe's own, so that its login is a first one
 */
export function sqlProbe(
  cache: { kind: SqlEngine; connection: SqlConnection & { hosts?: readonly { host: string; port: number }[] } },
  open: () => Promise<ProbedTable>,
): ConnectionProbe {
  const { host, port, tls, hosts = [] } = cache.connection;
  const { kind, secure } = servers[cache.kind];
  const lineTo = (name: string, at: number) => {
    const to = new Line(name, at, clientWords[cache.kind]);
    // Each host's certificate is for its own name, unless the string gives one for all.
    const expected = tls && { ...tls, name: tls.name === host ? name : tls.name };
    return { line: to, steps: to.steps(expected && ((signal) => secure(to, expected, signal))) };
  };
  const first = lineTo(host, port ?? 0);
  const several =
    hosts.length > 1
      ? new Lines(
          kind,
          first,
          hosts.slice(1).map((other) => lineTo(other.host, other.port)),
        )
      : undefined;
  const line = several ?? first.line;
  let table: ProbedTable | undefined;
  const opened = () => {
    if (!table) throw new Error('the step login comes first');
    return table;
  };
  const { name, ...others } = several?.steps() ?? first.steps;
  return {
    kind,
    line,
    steps: {
      ...(name && { name }),
      // The port of a named instance is the driver's to find: of the line, its name alone is looked at.
      ...(port !== undefined && others),
      login: async () => {
        table = await open();
        try {
          await table.inspection.database();
        } catch (error) {
          const refined = loginCutOff(error, kind, line.target) ?? refine(error);
          if (!(refined instanceof MaintenanceError) || !databaseCauses.has(refined.code)) throw refined;
          return { step: 'database', error: refined };
        }
        return undefined;
      },
      database: async () => [{ what: 'database', value: await opened().inspection.database() }],
      permission: async () => {
        try {
          await opened().clock('delete');
          return undefined;
        } catch (error) {
          if (error instanceof MaintenanceError && ['statement_timeout', 'lock_in_the_way'].includes(error.code))
            throw noAnswer('permission', kind, line.target, 4_000);
          throw refine(error);
        }
      },
    },
    close: () => table?.close(),
  };
}

/** The driver's word for a line that is silent or cut off during the login is that of a database that is away. */
function loginCutOff(error: unknown, kind: string, target: string): MaintenanceError | undefined {
  if (!(error instanceof CacheTableError) || error.code !== 'database_unavailable') return undefined;
  if (error.engineCode === 'ETIMEOUT' || error.engineCode === 'ETIMEDOUT')
    return new MaintenanceError(
      'login_no_answer',
      `${kind} at ${target} gave no answer to the login in the time of the connection string.`,
      'The server takes connections and does not answer a login: it may be overloaded or hang.',
    );
  if (!/^(ECONNRESET|EPIPE|ESOCKET)$/.test(error.engineCode)) return undefined;
  return new MaintenanceError(
    'login_cut_off',
    `${target} closed the connection during the login (${error.engineCode}).`,
    `Look whether ${kind} listens on this port and not something else, and whether it is restarting or a proxy on the way cuts the line.`,
  );
}

/** The length and the code of an SSLRequest (PostgreSQL manual, "Message Formats"). */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Asks a PostgreSQL for TLS; then the handshake follows on the same line. @throws MaintenanceError `tls_not_offered`, `tls_mismatch` */
async function askForTls(socket: Socket, target: string): Promise<void> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 0, 1)));
    socket.once('close', () => resolve(''));
  });
  socket.write(sslRequest);
  const letter = await answer;
  if (letter === 'S') return;
  throw letter === 'N'
    ? new MaintenanceError(
        'tls_not_offered',
        `${target} offers no TLS, and the connection string asks for it.`,
        'Switch `ssl` on at the server. `SSL Mode=Disable` would send tokens in clear text.',
      )
    : new MaintenanceError(
        'tls_mismatch',
        `${target} does not answer as a PostgreSQL.`,
        'Check host and port of the connection string.',
      );
}
