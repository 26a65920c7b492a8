import { readFileSync } from 'node:fs';
import { parse } from '@tediousjs/connection-string';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { MaintenanceError } from '../../errors.ts';

/** Fetches an Entra access token, used as the password. */
export type TokenSource = () => Promise<string>;

type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verifyca' | 'verifyfull';

/** Keywords of Npgsql that steer its own pooling and protocol, with no meaning here. */
const ignored = new Set(
  'pooling,minimum pool size,maximum pool size,connection idle lifetime,connection pruning interval,connection lifetime,command timeout,internal command timeout,cancellation timeout,keepalive,tcp keepalive,tcp keepalive time,tcp keepalive interval,include error detail,log parameters,persist security info,no reset on close,multiplexing,max auto prepare,auto prepare min usages,read buffer size,write buffer size,server compatibility mode,enlist,encoding,client encoding,timezone,array nullability mode,gss encryption mode,channel binding,include realm,kerberos service name,load balance hosts,target session attributes,host recheck seconds,search path,check certificate revocation,application name'.split(
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

/**
 * Reads a connection string as the .NET side writes it for Npgsql (`Host=…;Username=…;Database=…;SSL Mode=Require`), or
 * a `postgres://` URI. Where it names no password, an Entra token is fetched for each new connection that asks for one.
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string, token: TokenSource): ClientConfig {
  const config = /^postgres(ql)?:\/\//i.test(text.trim()) ? fromUri(text.trim()) : fromKeywords(text);
  if (!config.host) throw invalid('it names no host (`Host=…`)');
  return { ...config, password: config.password || token };
}

/** Recognises either form, for a cache that does not say its engine. */
export function looksLikePostgres(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text.trim()) || /(^|;)\s*host\s*=/i.test(text);
}

function fromUri(text: string): ClientConfig {
  try {
    return parseIntoClientConfig(text);
  } catch {
    // The URL parser's error holds the whole string, password and all.
    throw invalid('it is not a valid postgres:// URI (special characters in a password must be percent-encoded)');
  }
}

function fromKeywords(text: string): ClientConfig {
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
  ]);
  const unknown = entries.findIndex(([key]) => !known.has(key) && !ignored.has(key));
  // Not by its name: behind a `;` in a password it would be a piece of that.
  if (unknown >= 0)
    throw invalid(`its keyword no. ${unknown + 1} is not known (a value that holds ; must stand in double quotes)`);
  const port = Number(values.get('port') ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('`Port` is no port number');
  const host = values.get('host')?.replace(/^tcp:/, '');
  return {
    ...(host && { host }),
    port,
    ...(values.has('username') && { user: values.get('username') }),
    ...(values.has('password') && { password: values.get('password') }),
    database: values.get('database') ?? values.get('username'),
    ssl: tls(host ?? '', values),
  };
}

/** Npgsql's modes. `Require` encrypts without checking the certificate, except on Azure, whose certificates can be checked. */
function tls(host: string, values: Map<string, string>): ClientConfig['ssl'] {
  const azure = /\.postgres\.(database|cosmos)\.azure\.(com|cn|us)$/i.test(host);
  const mode = (values.get('ssl mode') ?? (azure ? 'require' : 'prefer'))
    .toLowerCase()
    .replace(/[\s_-]/g, '') as TlsMode;
  const ca = values.get('root certificate');
  switch (mode) {
    case 'disable':
    case 'allow':
    case 'prefer':
      return azure;
    case 'require':
      return { rejectUnauthorized: azure && values.get('trust server certificate')?.toLowerCase() !== 'true' };
    case 'verifyca':
      return { ...certificate(ca), rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'verifyfull':
      return { ...certificate(ca), rejectUnauthorized: true };
    default:
      throw invalid('`SSL Mode` must be Disable, Allow, Prefer, Require, VerifyCA or VerifyFull');
  }
}

function certificate(path: string | undefined): { ca?: string } {
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
