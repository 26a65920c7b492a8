import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { identityOf } from '../../azure/credentials.ts';
import { type GivenValues, readKeywords } from '../../connectionStrings/adoNet.ts';
import { isHost } from '../../connectionStrings/hostName.ts';
import { isRunTogether } from '../../connectionStrings/keywords.ts';
import { MaintenanceError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { poolOf, type SqlConnection, type SqlTls } from '../sqlConnection.ts';

export interface PostgresConnection extends SqlConnection {
  port: number;
  /** Tried in this order, the first of them above. Where there are several, the one that is the primary is worked on. */
  hosts: PostgresHost[];
  user: string | undefined;
  password: Secret | undefined;
  /** Where `tls` is undefined: whether the client tries TLS all the same, without a check, and when. */
  tries: 'tlsFirst' | 'tlsLast' | undefined;
  /** The client's own certificate and its key, in PEM. */
  certificate: { cert: string; key: Secret } | undefined;
  connectTimeoutMs: number;
  /** What the string says to the driver besides. */
  driver: Pick<ClientConfig, 'application_name' | 'options' | 'sslnegotiation'>;
}

export interface PostgresHost {
  host: string;
  port: number;
}

/** The scope of Azure Database for PostgreSQL ("Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL"). */
const scope = 'https://ossrdbms-aad.database.windows.net/.default';

const defaultPort = 5432;

/** Keywords of Npgsql that are followed; those that are neither here nor below steer its own pool and protocol, with no meaning here. */
export const followed: readonly string[] = [
  'Host',
  'Port',
  'Database',
  'Username',
  'Password',
  'SSL Mode',
  'SSL Negotiation',
  'SSL Certificate',
  'SSL Key',
  'Root Certificate',
  'Trust Server Certificate',
  'Timeout',
  'Options',
  'Target Session Attributes',
  'Pooling',
  'Maximum Pool Size',
];
/** Those that change how Npgsql connects, and that are not followed: a value that matters is told. */
export const notFollowed: Readonly<Record<string, (value: string) => boolean>> = {
  Passfile: () => true,
  'SSL Password': () => true,
  'Check Certificate Revocation': (value) => value === 'true',
  'GSS Encryption Mode': (value) => value === 'Require',
  'Channel Binding': (value) => value === 'Require',
  'Require Auth': () => true,
  'Load Balance Hosts': (value) => value === 'true',
};

/** What both forms say. */
type Parts = Omit<PostgresConnection, 'host' | 'port' | 'server' | 'password' | 'token'> & {
  password: string | undefined;
};

const isUri = /^\s*postgres(ql)?:\/\//i;

/**
 * Reads a connection string as the .NET side writes it for Npgsql (`Host=…;Username=…;Database=…;SSL Mode=Require`), or
 * a `postgres://` URI. Where it names no password, each new connection needs an Entra token.
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string): PostgresConnection {
  const { password, ...parts } = isUri.test(text) ? fromUri(text.trim()) : fromKeywords(text);
  const [first] = parts.hosts;
  if (!first?.host) throw invalid('it names no host (`Host=…`)');
  return {
    ...parts,
    ...first,
    server: parts.hosts.map(({ host, port }) => `${host.toLowerCase()}:${port}`).join(','),
    password: password ? new Secret(password) : undefined,
    token: password ? undefined : { scope, identity: identityOf() },
  };
}

function fromUri(text: string): Parts {
  const { host = '', port, user, password, database, ssl, application_name, options, sslnegotiation } = read(text);
  if ([user, database, application_name, options].some((value) => isRunTogether('', value ?? '')))
    throw invalid('a part of the URI holds what looks like a password');
  const { cert, key, ca, rejectUnauthorized, checkServerIdentity } = typeof ssl === 'object' ? ssl : {};
  return {
    hosts: [{ host: hostOf(host), port: portOf(port ?? defaultPort) }],
    user,
    password: typeof password === 'string' ? password : undefined,
    database,
    tls: ssl
      ? {
          name: host,
          checked: rejectUnauthorized !== false,
          ...(checkServerIdentity && { anyName: true }),
          ...(typeof ca === 'string' && { ca }),
          ...(sslnegotiation === 'direct' && { direct: true }),
        }
      : undefined,
    tries: undefined,
    certificate: typeof cert === 'string' && typeof key === 'string' ? { cert, key: new Secret(key) } : undefined,
    pool: poolOf(undefined, undefined),
    connectTimeoutMs: 15_000,
    driver: { application_name, options, sslnegotiation },
    remarks: [],
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
  const values = readKeywords('npgsql', text, invalid);
  const of = (keyword: string) => values.get(keyword)?.toString() || undefined;
  checkTogether(values);
  const port = portOf(values.get('Port') || defaultPort);
  const [first = '', ...others] = (of('Host') ?? '').split(',');
  // Npgsql leaves out the blanks around each of several.
  const hosts = (others.length > 0 ? [first, ...others].map((host) => host.trim()) : [first]).map((host) =>
    endpoint(host, port),
  );
  const attributes = of('Target Session Attributes') ?? 'any';
  if (hosts.length === 1 && attributes !== 'any')
    throw invalid('`Target Session Attributes` needs several hosts, as to Npgsql');
  const mode = of('SSL Mode') ?? (hosts.every(({ host }) => isAzure(host)) ? 'Require' : 'Prefer');
  const user = of('Username');
  return {
    hosts,
    user,
    password: of('Password'),
    database: of('Database') ?? user,
    ...encryption(mode, hosts[0]?.host ?? '', values),
    certificate: ownCertificate(of('SSL Certificate'), of('SSL Key')),
    pool: poolOf(of('Pooling'), of('Maximum Pool Size')),
    // 0 would be without end, which no unattended run may be.
    connectTimeoutMs: Number(values.get('Timeout') || 15) * 1000,
    driver: {
      options: of('Options'),
      ...(of('SSL Negotiation') === 'Direct' && { sslnegotiation: 'direct' as const }),
    },
    remarks: [
      ...Object.keys(notFollowed).filter((keyword) => of(keyword) && notFollowed[keyword]?.(of(keyword) ?? '')),
      ...(/standby|read-only/.test(attributes) ? ['Target Session Attributes'] : []),
      ...(of('SSL Certificate') && !of('SSL Key') ? ['SSL Certificate'] : []),
    ].map((keyword) =>
      keyword === 'Target Session Attributes'
        ? '`Target Session Attributes` asks for a server that takes no writes; the primary is worked on'
        : `\`${keyword}\` is not followed`,
    ),
  };
}

/** What Npgsql asks of several keywords together. */
function checkTogether(values: GivenValues): void {
  const of = (keyword: string, otherwise: string | number) => values.get(keyword)?.toString() || otherwise;
  if (of('Pooling', 'true') === 'true') {
    if (Number(of('Minimum Pool Size', 0)) > Number(of('Maximum Pool Size', 100)))
      throw invalid('`Minimum Pool Size` is above `Maximum Pool Size`');
    if (Number(of('Connection Pruning Interval', 10)) > Number(of('Connection Idle Lifetime', 300)))
      throw invalid('`Connection Pruning Interval` is above `Connection Idle Lifetime`');
  }
  if (of('SSL Negotiation', '') === 'Direct' && !/^(Require|Verify)/.test(String(of('SSL Mode', 'Prefer'))))
    throw invalid('`SSL Negotiation=Direct` needs `SSL Mode=Require` or stricter');
  const several = String(of('Host', '')).includes(',');
  if (of('Multiplexing', '') === 'true' && (several || of('Pooling', '') === 'false'))
    throw invalid('`Multiplexing` needs pooling and a single host');
}

/** `host`, `host:port`, `[address]:port`, and an address of IPv6 by itself. */
function endpoint(text: string, port: number): PostgresHost {
  const [, host = text, own] = /^([^:]*|.*\[.*\]):([^:]*)$/.exec(text) ?? [];
  return { host: hostOf(host), port: own === undefined ? port : portOf(own) };
}

function hostOf(text: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  // What stands there may be a password, so it is not repeated.
  if (text !== '' && !isHost(host))
    throw invalid('its host is neither a name nor an address: keywords end with `;`, and sockets of Unix are not used');
  return host;
}

function portOf(text: string | number): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('`Port` is not a port number');
  return port;
}

function isAzure(host: string): boolean {
  return /\.postgres\.(database|cosmos)\.azure\.(com|cn|us)$/i.test(host);
}

/** Npgsql's modes. `Require` encrypts without checking the certificate, except on Azure, whose certificates can be checked. */
function encryption(
  mode: string,
  name: string,
  values: GivenValues,
): { tls: SqlTls | undefined } & Pick<Parts, 'tries'> {
  const azure = isAzure(name);
  const direct = values.get('SSL Negotiation') === 'Direct' ? { direct: true } : {};
  const checked = { name, checked: true, ...direct };
  const authorities = () => authoritiesOf(values.get('Root Certificate')?.toString());
  switch (mode) {
    case 'Require':
      return {
        tls: { ...checked, checked: azure && values.get('Trust Server Certificate') !== 'true' },
        tries: undefined,
      };
    case 'VerifyCA':
      return { tls: { ...checked, anyName: true, ...authorities() }, tries: undefined };
    case 'VerifyFull':
      return { tls: { ...checked, ...authorities() }, tries: undefined };
    default: {
      const tries = mode === 'Prefer' ? 'tlsFirst' : mode === 'Allow' ? 'tlsLast' : undefined;
      return azure ? { tls: checked, tries: undefined } : { tls: undefined, tries };
    }
  }
}

function authoritiesOf(path: string | undefined): { ca?: string } {
  return path ? { ca: fileOf('Root Certificate', path) } : {};
}

function ownCertificate(path: string | undefined, keyPath: string | undefined): PostgresConnection['certificate'] {
  if (!path || !keyPath) return undefined;
  return { cert: fileOf('SSL Certificate', path), key: new Secret(fileOf('SSL Key', keyPath)) };
}

function fileOf(keyword: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw invalid(`the file of \`${keyword}\` cannot be read`);
  }
}

function invalid(reason: string): MaintenanceError {
  return new MaintenanceError(
    'connection_string_invalid',
    `The PostgreSQL connection string cannot be used: ${reason}.`,
    'Write it as `Host=server;Database=db;Username=user;Password=…;SSL Mode=VerifyFull`, or as `postgres://user@server/db`.',
  );
}
