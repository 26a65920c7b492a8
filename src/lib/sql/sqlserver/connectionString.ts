import { parse } from '@tediousjs/connection-string';
import type { Identity } from '../../azure/credentials.ts';
import { MaintenanceError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { poolOf, type SqlConnection, type SqlTls } from '../sqlConnection.ts';

/** How the connection logs in: by a SQL login, or by an identity, with a token of its own for each connection. */
export type Login = { kind: 'sql'; user: string; password: Secret } | Identity;

export interface SqlServerConnection extends SqlConnection {
  login: Login;
  instance: string | undefined;
  connectTimeoutMs: number;
  multiSubnetFailover: boolean;
}

/** The scope of SQL Server, for every identity. */
const scope = 'https://database.windows.net/.default';

/** Names of a keyword in ADO.NET (Microsoft.Data.SqlClient), first the one used here. */
const keywords: Record<string, string[]> = {
  server: ['server', 'data source', 'addr', 'address', 'network address'],
  database: ['database', 'initial catalog'],
  user: ['user id', 'uid', 'user'],
  password: ['password', 'pwd'],
  authentication: ['authentication'],
  encrypt: ['encrypt'],
  trust: ['trustservercertificate', 'trust server certificate'],
  hostName: ['hostnameincertificate', 'host name in certificate'],
  timeout: ['connect timeout', 'connection timeout', 'timeout'],
  integrated: ['integrated security', 'trusted_connection'],
  multiSubnet: ['multisubnetfailover', 'multi subnet failover'],
  tenant: ['tenant id'],
  pooling: ['pooling'],
  poolSize: ['max pool size'],
};

/** Keywords that steer the .NET client's pool and protocol, with no meaning here. */
const ignored = new Set(
  'application intent,applicationintent,application name,app,attestation protocol,column encryption setting,command timeout,connect retry count,connectretrycount,connect retry interval,connectretryinterval,connection lifetime,load balance timeout,current language,language,enlist,ip address preference,ipaddresspreference,min pool size,multiple active result sets,multipleactiveresultsets,network library,network,packet size,persist security info,persistsecurityinfo,pool blocking period,poolblockingperiod,replication,transaction binding,type system version,workstation id,wsid'.split(
    ',',
  ),
);

/** Recognises the form, for a cache that does not say its engine. */
export function looksLikeSqlServer(text: string): boolean {
  return /(^|;)\s*(server|data source|addr|address|network address)\s*=/i.test(text);
}

/**
 * Reads a connection string in ADO.NET form, as it stands in the web app's configuration.
 * @param tenantId of a service principal whose string names none
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string, tenantId?: string): SqlServerConnection {
  const values = readKeywords(text);
  const address = values.get('server');
  if (!address) throw invalid('it names no server (`Server=tcp:name.database.windows.net,1433`)');
  const { host, port, instance } = parseServer(address);
  const login = parseLogin(values, tenantId);
  return {
    host,
    port,
    server: `${host}${instance ? `\\${instance}` : `:${port}`}`.toLowerCase(),
    database: values.get('database'),
    tls: encryption(values, host),
    token: login.kind === 'sql' ? undefined : { scope, identity: login },
    pool: poolOf(values.get('pooling'), values.get('poolSize')),
    login,
    instance,
    // 0 would be without end, which no unattended run may be.
    connectTimeoutMs: (seconds(values.get('timeout') ?? '15') || 15) * 1000,
    multiSubnetFailover: isTrue(values.get('multiSubnet')),
  };
}

function readKeywords(text: string): Map<string, string> {
  let entries: [string, string][];
  try {
    entries = [...parse(text)];
  } catch {
    throw invalid('it is not a list of `Keyword=value;`');
  }
  const values = new Map<string, string>();
  entries.forEach(([key, value], index) => {
    const keyword = Object.entries(keywords).find(([, names]) => names.includes(key.toLowerCase()))?.[0];
    if (keyword) values.set(keyword, value);
    // Not by its name: behind a `;` in a password it would be a piece of that.
    else if (!ignored.has(key.toLowerCase()))
      throw invalid(`its keyword no. ${index + 1} is not known (a value that holds ; must stand in double quotes)`);
  });
  return values;
}

/** `tcp:name,port`, `name\instance`, `.` and `(local)`. */
function parseServer(address: string): Pick<SqlServerConnection, 'host' | 'port' | 'instance'> {
  if (/^(np|lpc):/i.test(address) || /^\(localdb\)/i.test(address))
    throw invalid('only TCP can be used, no named pipes, shared memory or LocalDB');
  const match = /^(?:tcp:)?\s*([^,\\]+?)\s*(?:\\\s*([^,]+?)\s*)?(?:,\s*(\d+)\s*)?$/i.exec(address.trim());
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match?.[1] || /[\s=@?#]/.test(match[1]) || port === 0 || (port ?? 1) > 65_535)
    throw invalid('`Server` must be `name`, `tcp:name,port` or `name\\instance`');
  const host = /^(\.|\(local\))$/i.test(match[1]) ? 'localhost' : match[1];
  const instance = port === undefined ? match[2] : undefined;
  return { host, instance, port: instance ? undefined : (port ?? 1433) };
}

function parseLogin(values: Map<string, string>, tenantId: string | undefined): Login {
  const user = values.get('user') || undefined;
  const password = values.get('password') || undefined;
  const tenant = values.get('tenant') || tenantId;
  const method = (values.get('authentication') ?? 'sqlpassword').toLowerCase().replace(/[\s_-]/g, '');
  switch (method) {
    case 'sqlpassword':
    case 'notspecified':
      if (isTrue(values.get('integrated')))
        throw invalid(
          'Windows authentication cannot be used here; use a SQL login or `Authentication=Active Directory Managed Identity`',
        );
      if (!user || !password)
        throw invalid(
          'it has no `User ID` and `Password`; for Entra ID add `Authentication=Active Directory Managed Identity` (or `Active Directory Default`)',
        );
      return { kind: 'sql', user, password: new Secret(password) };
    case 'activedirectorymanagedidentity':
    case 'activedirectorymsi':
      return { kind: 'managedIdentity', clientId: user };
    case 'activedirectorydefault':
      return { kind: 'default', clientId: user };
    case 'activedirectoryworkloadidentity':
      return { kind: 'workloadIdentity', clientId: user };
    case 'activedirectoryserviceprincipal':
      if (!user || !password)
        throw invalid('a service principal needs `User ID` (its client id) and `Password` (its secret)');
      if (!tenant) throw invalid('a service principal needs its tenant (`Tenant ID=…`, or AZURE_TENANT_ID)');
      return { kind: 'servicePrincipal', clientId: user, clientSecret: new Secret(password), tenantId: tenant };
    default:
      throw invalid(
        '`Authentication` must be Sql Password, or Active Directory Managed Identity, Default, Workload Identity or Service Principal: a function has nobody to sign in',
      );
  }
}

/** `Encrypt` has been true by default since Microsoft.Data.SqlClient 4. */
function encryption(values: Map<string, string>, host: string): SqlTls | undefined {
  const word = (values.get('encrypt') ?? 'true').toLowerCase();
  if (['false', 'no', 'optional'].includes(word)) return undefined;
  const name = values.get('hostName') || host;
  // It checks the certificate whatever TrustServerCertificate says.
  if (word === 'strict') return { name, checked: true, direct: true };
  if (['true', 'yes', 'mandatory'].includes(word)) return { name, checked: !isTrue(values.get('trust')) };
  throw invalid('`Encrypt` must be True, False, Mandatory, Optional or Strict');
}

function isTrue(value: string | undefined): boolean {
  return /^(true|yes|sspi)$/i.test(value ?? '');
}

function seconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw invalid('`Connect Timeout` must be a number of seconds');
  return Number(text);
}

function invalid(reason: string): MaintenanceError {
  return new MaintenanceError(
    'connection_string_invalid',
    `The SQL Server connection string cannot be used: ${reason}.`,
    'Write it as `Server=tcp:name.database.windows.net,1433;Database=db;Authentication=Active Directory Managed Identity;User ID=<client id>;Encrypt=True`.',
  );
}
