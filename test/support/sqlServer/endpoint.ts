/**
 * A TDS 7.4 server (and TDS 8's strict encryption) for the tests, on loopback. It is not SQL Server: it knows the texts of
 * its statement table alone, answers each by its twin on the embedded PostgreSQL, and any other with error 102.
 *
 * What it proves, since the real `mssql` and tedious speak to it over TCP: that the adapter's calls, parameters and types
 * go over the wire and come back exact, that TLS and both ways of logging in work, how connections are opened, lost,
 * replaced and closed, what the adapter does with errors by their numbers, and what a run retries, waits for and reports.
 *
 * What it does not prove: T-SQL. No text is interpreted, so no hint, isolation level, plan or right is SQL Server's own, and
 * SET options last as documented, not as observed. The texts are parsed by ScriptDom (test/tsql), and the conformance
 * suites run on a real server where TEST_SQLSERVER_CONNECTION_STRING names one.
 */
import { createServer } from 'node:net';
import { openPool } from '../postgresConnections.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { FaultScript } from './faults.ts';
import type { LoginCheck } from './login.ts';
import { type Received, Session } from './session.ts';
import { knownStatements } from './statements.ts';
import { recogniser, type ServerKind } from './statementTable.ts';

/** Azure SQL Database, as it describes itself. */
export const azureSqlDatabase: ServerKind = {
  engineEdition: 5,
  productVersion: '12.0.2000.8',
  rowLocks: true,
  load: { cpu: 3.5, dataIo: 0, logWrite: 12.25 },
};

export const certificateHost = 'tds-endpoint.test';

export interface TdsEndpoint {
  port: number;
  /** In ADO.NET form, without trust in the certificate; `more` is appended. */
  connectionString(more?: string): string;
  certificate: Certificate;
  faults: FaultScript;
  login: LoginCheck;
  /** Changes show in sessions from then on, and in the next statement of those that are open. */
  server: ServerKind;
  /** The statements that came in. */
  received: Received[];
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Ends the sessions that meet the condition, as the server does when it notices that a client is gone. */
  kill(condition?: (session: Session) => boolean): Promise<void>;
  close(): Promise<void>;
}

const password = 'Endpoint-secret;"1\'';

/** Starts it before the given PostgreSQL database. */
export async function startEndpoint(postgresUrl: string): Promise<TdsEndpoint> {
  const control = openPool({ connectionString: postgresUrl, max: 2 });
  const context = {
    certificate: makeCertificate(certificateHost),
    faults: new FaultScript(),
    recognise: recogniser(knownStatements),
    server: { ...azureSqlDatabase },
    login: {
      user: 'app user',
      password,
      database: 'cache',
      token: () => ({ number: 18456, severity: 14, message: "Login failed for user '<token-identified principal>'." }),
    } as LoginCheck,
    postgresUrl,
    control,
    received: [] as Received[],
  };
  const sessions = new Map<number, Session>();
  let accepted = 0;
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    accepted += 1;
    const session = new Session(socket, 50 + accepted, context);
    sessions.set(session.id, session);
    void session.ended.then(() => sessions.delete(session.id));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const kill = async (condition: (session: Session) => boolean = () => true) => {
    await Promise.all([...sessions.values()].filter(condition).map((session) => session.kill()));
  };
  return {
    port,
    connectionString: (more = '') =>
      `Server=tcp:127.0.0.1,${port};Database=${context.login.database};User ID=${context.login.user};Password="${password.replaceAll('"', '""')}";Connect Timeout=2;${more}`,
    ...context,
    get accepted() {
      return accepted;
    },
    kill,
    close: async () => {
      await kill();
      await new Promise((resolve) => server.close(resolve));
      await control.end();
    },
  };
}
