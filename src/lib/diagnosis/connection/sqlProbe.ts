import { isIP } from 'node:net';
import { MaintenanceError } from '../../errors.ts';
import type { CacheTable } from '../../sqlCache/cacheTable.ts';
import { CacheTableError } from '../../sqlCache/cacheTableError.ts';
import { Line, type TlsExpectation } from './line.ts';
import { askForTls } from './postgresTls.ts';
import { type ConnectionProbe, noAnswer, type ProbeStep } from './probe.ts';
import { databaseCauses, refine } from './refine.ts';
import { agreeOnTls } from './tdsTls.ts';

export interface SqlTarget {
  engine: 'sqlserver' | 'postgres';
  host: string;
  /** Undefined for a named instance, whose port the driver asks for: then the line is not looked at by itself. */
  port: number | undefined;
  /** Undefined where the client uses none. `direct`: TLS before all else (TDS 8). */
  tls: (TlsExpectation & { direct?: boolean }) | undefined;
  /** A table of the probe's own, so that its login is a first one. */
  open(): Promise<CacheTable>;
}

/** A SQL cache: the line by itself, then login, database and table with the driver. */
export function sqlProbe({ engine, host, port, tls, open }: SqlTarget): ConnectionProbe {
  const line = new Line(host, port ?? 0);
  const kind = engine === 'postgres' ? 'PostgreSQL' : 'SQL Server';
  let table: CacheTable | undefined;
  let databaseFailure: unknown;
  const opened = () => {
    if (!table) throw new Error('the step login comes first');
    return table;
  };
  const login: ProbeStep = {
    name: 'login',
    run: async () => {
      table = await open();
      try {
        await table.inspection.database();
      } catch (error) {
        const refined = loginCutOff(error, kind, line.target) ?? refine(error);
        if (!(refined instanceof MaintenanceError) || !databaseCauses.has(refined.code)) throw refined;
        databaseFailure = refined;
      }
      return undefined;
    },
  };
  const database: ProbeStep = {
    name: 'database',
    run: async () => {
      if (databaseFailure) throw databaseFailure;
      return [{ what: 'database', value: await opened().inspection.database() }];
    },
  };
  const permission: ProbeStep = {
    name: 'permission',
    run: async () => {
      try {
        await opened().clock();
        return undefined;
      } catch (error) {
        if (error instanceof MaintenanceError && ['statement_timeout', 'lock_in_the_way'].includes(error.code))
          throw noAnswer('permission', kind, line.target, 4_000);
        throw refine(error);
      }
    },
  };
  return {
    kind,
    target: line.target,
    get certificate() {
      return line.certificate;
    },
    steps: [
      ...(isIP(host) ? [] : [{ name: 'name' as const, run: () => line.resolve() }]),
      ...(port === undefined ? [] : lineSteps(engine, line, tls)),
      login,
      database,
      permission,
    ],
    close: async () => {
      line.close();
      await table?.close();
    },
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

function lineSteps(engine: SqlTarget['engine'], line: Line, tls: SqlTarget['tls']): ProbeStep[] {
  return [{ name: 'tcp', run: (signal) => line.connect(signal) }, ...(tls ? [tlsStep(engine, line, tls)] : [])];
}

function tlsStep(engine: SqlTarget['engine'], line: Line, tls: NonNullable<SqlTarget['tls']>): ProbeStep {
  return {
    name: 'tls',
    run: async (signal) => {
      if (engine === 'postgres') {
        await askForTls(line.socket, line.target);
        return line.secure(tls, signal);
      }
      if (tls.direct) return line.secure({ ...tls, alpn: ['tds/8.0'] }, signal);
      return line.secure(tls, signal, await agreeOnTls(line.socket, line.target, signal));
    },
  };
}
