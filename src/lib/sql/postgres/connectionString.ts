import { readFileSync } from 'node:fs';
import { parse } from '@tediousjs/connection-string';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { identityOf } from '../../azure/credentials.ts';
import { MaintenanceError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { poolOf, type SqlConnection, type SqlTls } from '../sqlConnection.ts';

export interface PostgresConnection extends SqlConnection {
  port: number;
  user: string | undefined;
  password: Secret | undefined;
  /** The client's own certificate and its key, in PEM. */
  certificate: { cert: string; key: Secret } | undefined;
  /** What a URI says to the driver besides. */
  driver: Pick<ClientConfig, 'application_name' | 'options' | 'sslnegotiation'>;
}

/** The scope of Azure Database for PostgreSQL ("Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL"). */
const scope = 'https://ossrdbms-aad.database.windows.net/.default';

type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verifyca' | 'verifyfull';

/** Keywords of Npgsql that steer its own pooling and protocol, with no meaning here. */
const ignored = new Set(
  'minimum pool size,connection idle lifetime,connection pruning interval,connection lifetime,command timeout,internal command timeout,cancellation timeout,keepalive,tcp keepalive,tcp keepalive time,tcp keepalive interval,include error detail,log parameters,persist security info,no reset on close,multiplexing,max auto prepare,auto prepare min usages,read buffer size,write buffer size,server compatibility mode,enlist,encoding,client encoding,timezone,array nullability mode,gss encryption mode,channel binding,include realm,kerberos service name,load balance hosts,target session attributes,host recheck seconds,search path,check certificate revocation,application name'.split(
    ',',
  ),
);

const aliases: Record<string, string> = {
  server: 'host',
  db: 'database',
  'user name': 'username',
  'user id': 'username',
  userid: 'username',
  uid: 'username',
  user: 'username',
  pwd: 'password',
  sslmode: 'ssl mode',
  'connection timeout': 'timeout',
}; // prettier-ignore

/** What both forms say. */
type Parts = Pick<PostgresConnection, 'port' | 'user' | 'database' | 'tls' | 'pool' | 'certificate' | 'driver'> & {
  host: string | undefined;
  password: string | undefined;
};

/**
 * Reads a connection string as the .NET side writes it for Npgsql (`Host=…;Username=…;Database=…;SSL Mode=Require`), or
 * a `postgres://` URI. Where it names no password, each new connection needs an Entra token.
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string): PostgresConnection {
  const { host, password, ...parts } = isUri.test(text) ? fromUri(text.trim()) : fromKeywords(text);
  if (!host) throw invalid('it names no host (`Host=…`)');
  // What stands there may be a password, so it is not repeated.
  if (/[\s=@?#]/.test(host)) throw invalid('its host has a character that no host name has: keywords end with `;`');
  return {
    ...parts,
    host,
    server: `${host.toLowerCase()}:${parts.port}`,
    password: password ? new Secret(password) : undefined,
    token: password ? undefined : { scope, identity: identityOf() },
  };
}

const isUri = /^\s*postgres(ql)?:\/\//i;

/** Recognises either form, for a cache that does not say its engine. */
export function looksLikePostgres(text: string): boolean {
  return isUri.test(text) || /(^|;)\s*host\s*=/i.test(text);
}

function fromUri(text: string): Parts {
  const { host = '', port, user, password, database, ssl, application_name, options, sslnegotiation } = read(text);
  const { cert, key, ca, rejectUnauthorized, checkServerIdentity } = typeof ssl === 'object' ? ssl : {};
  return {
    host,
    port: port ?? 5432,
    user,
    password: typeof password === 'string' ? password : undefined,
    database,
    tls: ssl
      ? {
          name: host,
          checked: rejectUnauthorized !== false,
          ...(checkServerIdentity && { anyName: true }),
          ...(typeof ca === 'string' && { ca }),
        }
      : undefined,
    certificate: typeof cert === 'string' && typeof key === 'string' ? { cert, key: new Secret(key) } : undefined,
    pool: poolOf(undefined, undefined),
    driver: { application_name, options, sslnegotiation },
  };
}

function read(text: string): ClientConfig {
  try {
    return parseIntoClientConfig(text);
  } catch {
    // The URL parser's error holds the whole string, password and all.
    throw invalid('it is not a valid postgres:// URI (special characters in a password must be percent-encoded)');
  }
}

function fromKeywords(text: string): Parts {
  let entries: [string, string][];
  try {
    entries = [...parse(text)].map(([key, value]) => [aliases[key.toLowerCase()] ?? key.toLowerCase(), value]);
  } catch {
    throw invalid('it is neither a postgres:// URI nor a list of `Keyword=value;`');
  }
  const values = new Map(entries);
  const known = new Set([
    'host',
    'port',
    'database',
    'username',
    'password',
    'ssl mode',
    'trust server certificate',
    'root certificate',
    'timeout',
    'pooling',
    'maximum pool size',
  ]);
  const unknown = entries.findIndex(([key]) => !known.has(key) && !ignored.has(key));
  // Not by its name: behind a `;` in a password it would be a piece of that.
  if (unknown >= 0)
    throw invalid(`its keyword no. ${unknown + 1} is not known (a value that holds ; must stand in double quotes)`);
  const port = Number(values.get('port') ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('`Port` is not a port number');
  const host = values.get('host')?.replace(/^tcp:/, '') ?? '';
  const user = values.get('username');
  return {
    host,
    port,
    user,
    password: values.get('password'),
    database: values.get('database') ?? user,
    tls: tls(host, values),
    certificate: undefined,
    pool: poolOf(values.get('pooling'), values.get('maximum pool size')),
    driver: {},
  };
}

/** Npgsql's modes. `Require` encrypts without checking the certificate, except on Azure, whose certificates can be checked. */
function tls(name: string, values: Map<string, string>): SqlTls | undefined {
  const azure = /\.postgres\.(database|cosmos)\.azure\.(com|cn|us)$/i.test(name);
  const mode = (values.get('ssl mode') ?? (azure ? 'require' : 'prefer'))
    .toLowerCase()
    .replace(/[\s_-]/g, '') as TlsMode;
  const ca = values.get('root certificate');
  switch (mode) {
    case 'disable':
    case 'allow':
    case 'prefer':
      return azure ? { name, checked: true } : undefined;
    case 'require':
      return { name, checked: azure && values.get('trust server certificate')?.toLowerCase() !== 'true' };
    case 'verifyca':
      return { name, checked: true, anyName: true, ...authorities(ca) };
    case 'verifyfull':
      return { name, checked: true, ...authorities(ca) };
    default:
      throw invalid('`SSL Mode` must be Disable, Allow, Prefer, Require, VerifyCA or VerifyFull');
  }
}

function authorities(path: string | undefined): { ca?: string } {
  if (!path) return {};
  try {
    return { ca: readFileSync(path, 'utf8') };
  } catch {
    throw invalid('the file of `Root Certificate` cannot be read');
  }
}

function invalid(reason: string): MaintenanceError {
  return new MaintenanceError(
    'connection_string_invalid',
    `The PostgreSQL connection string cannot be used: ${reason}.`,
    'Write it as `Host=server;Database=db;Username=user;Password=…;SSL Mode=VerifyFull`, or as `postgres://user@server/db`.',
  );
}
