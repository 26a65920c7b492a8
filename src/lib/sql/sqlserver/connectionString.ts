import type { Identity } from '../../azure/credentials.ts';
import { type GivenValues, readKeywords } from '../../connectionStrings/adoNet.ts';
import { isHost } from '../../connectionStrings/hostName.ts';
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

/** Keywords of SqlClient that are followed; those that are neither here nor below steer its own pool and protocol, with no meaning here. */
export const followed: readonly string[] = [
  'Data Source',
  'Initial Catalog',
  'User ID',
  'Password',
  'Authentication',
  'Integrated Security',
  'Encrypt',
  'Trust Server Certificate',
  'Host Name In Certificate',
  'Connect Timeout',
  'Multi Subnet Failover',
  'Pooling',
  'Max Pool Size',
];
/** Those that change where or how SqlClient connects, and that are not followed: a value that matters is told. */
export const notFollowed: Readonly<Record<string, (value: string) => boolean>> = {
  'Failover Partner': () => true,
  'Server Certificate': () => true,
  AttachDbFilename: () => true,
  'User Instance': (value) => value === 'true',
  'Application Intent': (value) => value === 'ReadOnly',
};
/** Its tenant is asked of the server by SqlClient, and needed here. */
const tenantKeyword = 'tenant id';

/**
 * Reads a connection string in ADO.NET form, as it stands in the web app's configuration.
 * @param tenantId of a service principal whose string names none
 * @throws MaintenanceError `connection_string_invalid`; its text never holds the string
 */
export function parseConnectionString(text: string, tenantId?: string): SqlServerConnection {
  const values = readKeywords('sqlClient', text, invalid, [tenantKeyword]);
  const of = (keyword: string) => values.get(keyword)?.toString() || undefined;
  checkTogether(values);
  const address = of('Data Source');
  if (!address) throw invalid('it names no server (`Server=tcp:name.database.windows.net,1433`)');
  const { host, port, instance } = parseServer(address);
  const login = parseLogin(of, tenantId);
  return {
    host,
    port,
    server: `${host}${instance ? `\\${instance}` : `:${port}`}`.toLowerCase(),
    database: of('Initial Catalog'),
    tls: encryption(of, host),
    token: login.kind === 'sql' ? undefined : { scope, identity: login },
    pool: poolOf(of('Pooling'), of('Max Pool Size')),
    login,
    instance,
    // 0 would be without end, which no unattended run may be; nor do timers of Node.js go further than 24 days.
    connectTimeoutMs: Math.min(Number(values.get('Connect Timeout') || 15), 86_400) * 1000,
    multiSubnetFailover: of('Multi Subnet Failover') === 'true',
    remarks: Object.keys(notFollowed)
      .filter((keyword) => of(keyword) !== undefined && notFollowed[keyword]?.(of(keyword) ?? ''))
      .map((keyword) => `\`${keyword}\` is not followed`),
  };
}

/** What SqlClient asks of several keywords together. */
function checkTogether(values: GivenValues): void {
  const of = (keyword: string) => values.get(keyword)?.toString() || undefined;
  if (Number(of('Min Pool Size') ?? 0) > Number(of('Max Pool Size') ?? 100))
    throw invalid('`Min Pool Size` is above `Max Pool Size`');
  if (of('Failover Partner')) {
    if (of('Multi Subnet Failover') === 'true')
      throw invalid('`Failover Partner` and `Multi Subnet Failover` exclude each other');
    if (!of('Initial Catalog')) throw invalid('`Failover Partner` needs `Initial Catalog`');
    if (of('User Instance') === 'true' || of('Application Intent') === 'ReadOnly')
      throw invalid('`Failover Partner` excludes `User Instance` and `Application Intent=ReadOnly`');
  }
  if (of('AttachDbFilename')?.includes('|')) throw invalid('`AttachDbFilename` cannot hold a `|`');
  const method = of('Authentication') ?? 'NotSpecified';
  if (method === 'NotSpecified') return;
  if (of('Integrated Security') === 'true')
    throw invalid('`Authentication` and `Integrated Security` exclude each other');
  const takesPassword = /^(SqlPassword|ActiveDirectory(Password|ServicePrincipal))$/.test(method);
  if (values.has('Password') && !takesPassword) throw invalid(`\`Authentication=${method}\` takes no \`Password\``);
  if (values.has('User ID') && method === 'ActiveDirectoryDeviceCodeFlow')
    throw invalid(`\`Authentication=${method}\` takes no \`User ID\``);
}

/** `tcp:name,port`, `name\instance`, `.` and `(local)`, as SqlClient divides them; an instance beside a port says nothing. */
function parseServer(address: string): Pick<SqlServerConnection, 'host' | 'port' | 'instance'> {
  const [, protocol, rest = address] = /^\s*(tcp|np|lpc|admin)\s*:(.*)$/is.exec(address) ?? [];
  if ((protocol && !/^tcp$/i.test(protocol)) || /^\s*(\\\\|\(localdb\))/i.test(rest))
    throw invalid('only TCP can be used, no named pipes, shared memory, LocalDB or administrator connection');
  const [name = '', ...others] = rest.split(/[\\,]/).map((part) => part.trim());
  const [first, second] = [rest.indexOf(','), rest.indexOf('\\')];
  const portText = first < 0 ? undefined : others[second >= 0 && first > second ? 1 : 0];
  const port = portText === undefined ? undefined : Number(/^[+-]?\d+$/.test(portText) ? portText : Number.NaN);
  const host = /^(\.|\(local\)|)$/i.test(name) ? 'localhost' : name.replace(/^\[(.*)\]$/, '$1');
  const instance = first < 0 && second >= 0 ? others[0] : undefined;
  const isPort = port === undefined || (port >= 1 && port <= 65_535);
  // What stands there may be a password, so it is not repeated.
  if (!isHost(host) || !isPort || (instance !== undefined && !/^[A-Za-z_][\w$#-]{0,15}$/.test(instance)))
    throw invalid('`Server` must be `name`, `tcp:name,port` or `name\\instance`');
  if (/^mssqlserver$/i.test(instance ?? '')) throw invalid('the default instance has no name: leave `MSSQLSERVER` out');
  return { host, instance, port: instance ? undefined : (port ?? 1433) };
}

function parseLogin(of: (keyword: string) => string | undefined, tenantId: string | undefined): Login {
  const [user, password] = [of('User ID'), of('Password')];
  const method = of('Authentication') ?? 'SqlPassword';
  switch (method) {
    case 'SqlPassword':
      if (of('Integrated Security') === 'true')
        throw invalid(
          'Windows authentication cannot be used here; use a SQL login or `Authentication=Active Directory Managed Identity`',
        );
      if (!user || !password)
        throw invalid(
          'it has no `User ID` and `Password`; for Entra ID add `Authentication=Active Directory Managed Identity` (or `Active Directory Default`)',
        );
      return { kind: 'sql', user, password: new Secret(password) };
    case 'ActiveDirectoryManagedIdentity':
    case 'ActiveDirectoryMSI':
      return { kind: 'managedIdentity', clientId: user };
    case 'ActiveDirectoryDefault':
      return { kind: 'default', clientId: user };
    case 'ActiveDirectoryWorkloadIdentity':
      return { kind: 'workloadIdentity', clientId: user };
    case 'ActiveDirectoryServicePrincipal': {
      const tenant = of(tenantKeyword) ?? tenantId;
      if (!user || !password)
        throw invalid('a service principal needs `User ID` (its client id) and `Password` (its secret)');
      if (!tenant) throw invalid('a service principal needs its tenant (`Tenant ID=…`, or AZURE_TENANT_ID)');
      return { kind: 'servicePrincipal', clientId: user, clientSecret: new Secret(password), tenantId: tenant };
    }
    default:
      throw invalid(
        '`Authentication` must be Sql Password, or Active Directory Managed Identity, Default, Workload Identity or Service Principal: a function has nobody to sign in',
      );
  }
}

/** `Encrypt` has been true by default since Microsoft.Data.SqlClient 4. */
function encryption(of: (keyword: string) => string | undefined, host: string): SqlTls | undefined {
  const mode = of('Encrypt') ?? 'True';
  if (mode === 'False') return undefined;
  const name = of('Host Name In Certificate') ?? host;
  // It checks the certificate whatever TrustServerCertificate says.
  if (mode === 'Strict') return { name, checked: true, direct: true };
  return { name, checked: of('Trust Server Certificate') !== 'true' };
}

function invalid(reason: string): MaintenanceError {
  return new MaintenanceError(
    'connection_string_invalid',
    `The SQL Server connection string cannot be used: ${reason}.`,
    'Write it as `Server=tcp:name.database.windows.net,1433;Database=db;Authentication=Active Directory Managed Identity;User ID=<client id>;Encrypt=True`.',
  );
}
