import { describe, expect, it } from 'vitest';
import { parseConnectionString as parsePostgres } from '../../src/lib/sql/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sql/sqlserver/connectionString.ts';

describe('connection strings of SQL Server', () => {
  it('name a managed identity', () => {
    const parsed = parseSqlServer(
      'Server=tcp:cache.database.windows.net,1433;Database=db;Authentication=Active Directory Managed Identity;User ID=1b2c;Encrypt=True;Connection Timeout=30;',
    );
    expect(parsed).toMatchObject({
      host: 'cache.database.windows.net',
      port: 1433,
      server: 'cache.database.windows.net:1433',
      database: 'db',
      login: { kind: 'managedIdentity', clientId: '1b2c' },
      token: { scope: 'https://database.windows.net/.default', identity: { clientId: '1b2c' } },
      tls: { name: 'cache.database.windows.net', checked: true },
      connectTimeoutMs: 30_000,
    });
  });

  it.each([
    ['Server=s;Authentication=Active Directory Default', { kind: 'default', clientId: undefined }],
    ['Server=s;Authentication=ActiveDirectoryMSI', { kind: 'managedIdentity', clientId: undefined }],
    [
      'Server=s;Authentication="Active Directory Workload Identity";User ID=x',
      { kind: 'workloadIdentity', clientId: 'x' },
    ],
  ])('log in as %s says', (text, login) => {
    expect(parseSqlServer(text)).toMatchObject({ login, token: { identity: login } });
  });

  it.each([
    ['Server=s;User ID=sa;Password="p;w=d"', 'p;w=d'],
    ['Data Source=s;UID=sa;PWD=p', 'p'],
  ])('need no token with a password: %s', (text, password) => {
    const { login, token } = parseSqlServer(text);
    expect([login, token]).toMatchObject([{ kind: 'sql', user: 'sa' }, undefined]);
    expect('password' in login && login.password.reveal()).toBe(password);
  });

  it('take the tenant of a service principal from the setting where they name none', () => {
    const text = 'Server=s;Authentication=Active Directory Service Principal;User ID=x;Password=secret-1';
    expect(parseSqlServer(text, 'tenant').login).toMatchObject({ kind: 'servicePrincipal', tenantId: 'tenant' });
    expect(parseSqlServer(`${text};Tenant ID=own`, 'tenant').login).toMatchObject({ tenantId: 'own' });
    expect(() => parseSqlServer(text)).toThrowError(/AZURE_TENANT_ID/);
  });

  it.each([
    ['tcp:Name,1444', { host: 'Name', port: 1444, instance: undefined, server: 'name:1444' }],
    ['name', { host: 'name', port: 1433, server: 'name:1433' }],
    ['name\\SQLEXPRESS', { host: 'name', port: undefined, instance: 'SQLEXPRESS', server: 'name\\sqlexpress' }],
    ['name\\SQLEXPRESS,1450', { host: 'name', port: 1450, instance: undefined, server: 'name:1450' }],
    ['(local)', { host: 'localhost', port: 1433, server: 'localhost:1433' }],
  ])('reach the server %s', (address, expected) => {
    expect(parseSqlServer(`Server=${address};User ID=u;Password=p`)).toMatchObject(expected);
  });

  it.each([
    ['', { name: 's', checked: true }],
    ['Encrypt=Mandatory;TrustServerCertificate=yes', { name: 's', checked: false }],
    ['Encrypt=no', undefined],
    ['Encrypt=Strict;TrustServerCertificate=yes', { name: 's', checked: true, direct: true }],
    ['HostNameInCertificate=other', { name: 'other', checked: true }],
  ])('encrypt as %j says', (words, tls) => {
    expect(parseSqlServer(`Server=s;User ID=u;Password=p;${words}`).tls).toEqual(tls);
  });

  it.each([
    ['Database=db;User ID=u;Password=secret-1', 'names no server'],
    ['Server=s;Password=secret-1', '`User ID`'],
    ['Server=s;Integrated Security=true;Password=secret-1', 'Windows authentication'],
    ['Server=s;Authentication=Active Directory Interactive;User ID=secret-1', 'nobody to sign in'],
    ['Server=s;Authentication=Active Directory Interactive;Password=secret-1', 'takes no `Password`'],
    ['Server=s;User ID=u;Password=secret-1;Encrypt=perhaps', '`Encrypt`'],
    ['Server=np:x;User ID=u;Password=secret-1', 'TCP'],
    ['Server=s;User ID=u;Password=secret-0;secret-1=x', 'what stands after `Password` is not a keyword'],
    ['Server=s;User ID=u;Password=secret-1;Host=h', '`Host` is a keyword of Npgsql'],
    ['Server=s;User ID=u;Password=secret-1;Encript=true', 'perhaps `Encrypt` is meant'],
    ['Server=s;User ID=u;Password=secret-1;Connect Timeout=soon', '`Connect Timeout`'],
    ['Server=secret-1 x;User ID=u;Password=p', '`Server`'],
    ['Server=s,99999;User ID=u;Password=secret-1', '`Server`'],
    ['secret-1', 'not a list'],
  ])('refuse %s, without showing a secret', (text, reason) => {
    expect(() => parseSqlServer(text)).toThrowError(
      expect.objectContaining({ code: 'connection_string_invalid', message: expect.stringContaining(reason) }),
    );
    expect(() => parseSqlServer(text)).not.toThrowError('secret-1');
  });
});

describe('connection strings that the clients take', () => {
  it.each([
    [
      'Host=h;Username=u;Password=p;Pooling=true;MinPoolSize=0;MaxPoolSize=100;Timeout=20;',
      { connectTimeoutMs: 20_000 },
    ],
    ['Server=h;Database=d;Port=5433;User Id=u;Password=p;Ssl Mode=Prefer;', { port: 5433, tries: 'tlsFirst' }],
    ['Host=h;Username=u;Password=p;SslMode=Allow;TrustServerCertificate=true;CommandTimeout=30', { tries: 'tlsLast' }],
    ['Host=h:6000;Username=u;Password=p', { host: 'h', port: 6000 }],
    ['Host=[::1]:6000;Username=u;Password=p', { host: '::1', port: 6000 }],
    [
      'Host=a:1, b;Port=2;Username=u;Password=p;Target Session Attributes=primary',
      {
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        server: 'a:1,b:2',
      },
    ],
    ['Host=h;Username=u;Password=p;Options=-c search_path=auth', { driver: { options: '-c search_path=auth' } }],
    [
      'Host=h;Username=u;Password=p;SSL Mode=Require;Ssl Negotiation=Direct',
      { driver: { sslnegotiation: 'direct' }, tls: { name: 'h', checked: false, direct: true } },
    ],
    ['Host=h;Username=u;Password=p;Passfile=x;Load Balance Hosts=false', { remarks: ['`Passfile` is not followed'] }],
  ])('of PostgreSQL mean what Npgsql makes of them: %s', (text, expected) => {
    expect(parsePostgres(text)).toMatchObject(expected);
  });

  it.each([
    ['Server=s;User ID=u;Password=x;;Encrypt=False', 'x', { tls: undefined }],
    ['Server=s;User ID=u;Password={abc}', '{abc}', {}],
    [';Server=s;User ID=u;Password=p', 'p', { host: 's' }],
    ['Server=s;Database=;User ID=u;Password=p;Application Name=', 'p', { database: undefined }],
    [
      'Server=s;Database=d;User ID=u;Password=p;Failover Partner=t',
      'p',
      { remarks: ['`Failover Partner` is not followed'] },
    ],
    ['Server=s;User ID=u;Password=p;Server SPN=x;Enclave Attestation Url=https://x', 'p', { remarks: [] }],
    ['Server=s;User ID=u;Password=p;Server Certificate=/c', 'p', { remarks: ['`Server Certificate` is not followed'] }],
    ['Server=s;User ID=u;Password=p;Connect Timeout=10000', 'p', { connectTimeoutMs: 10_000_000 }],
    ['Server=s;User ID=u;Password=a;Password=b', 'b', {}],
  ])('of SQL Server mean what SqlClient makes of them: %s', (text, password, expected) => {
    const connection = parseSqlServer(text);
    expect(connection).toMatchObject(expected);
    expect('password' in connection.login && connection.login.password.reveal()).toBe(password);
  });
});

describe('connection strings of PostgreSQL', () => {
  it('are read as Npgsql writes them', () => {
    const text =
      'Host=pg.postgres.database.azure.com;Port=5433;Database=db;Username=app;Password="a;b";SSL Mode=VerifyFull;Maximum Pool Size=5';
    const connection = parsePostgres(text);
    expect(connection).toMatchObject({
      host: 'pg.postgres.database.azure.com',
      port: 5433,
      server: 'pg.postgres.database.azure.com:5433',
      database: 'db',
      user: 'app',
      token: undefined,
      tls: { name: 'pg.postgres.database.azure.com', checked: true },
      pool: { on: true, size: 5 },
    });
    expect(connection.password?.reveal()).toBe('a;b');
  });

  it('are read as URIs', () => {
    const connection = parsePostgres('postgres://app:p%40ss@host:6000/db?sslmode=no-verify&application_name=x');
    expect(connection).toMatchObject({
      host: 'host',
      port: 6000,
      user: 'app',
      database: 'db',
      tls: { name: 'host', checked: false },
      driver: { application_name: 'x' },
    });
    expect(connection.password?.reveal()).toBe('p@ss');
  });

  it.each(['Host=h;Username=identity;Database=db', 'postgres://identity@h/db'])(
    'need an Entra token where they name no password: %s',
    (text) => {
      expect(parsePostgres(text)).toMatchObject({
        password: undefined,
        token: { scope: 'https://ossrdbms-aad.database.windows.net/.default', identity: { kind: 'default' } },
      });
    },
  );

  it('encrypt towards Azure, with the certificate checked, where they do not say', () => {
    const name = 'x.postgres.database.azure.com';
    expect(parsePostgres(`Host=${name};Username=u`).tls).toEqual({ name, checked: true });
    expect(parsePostgres('Host=localhost;Username=u').tls).toBeUndefined();
  });

  it.each([
    ['Username=u;Password=secret-1', 'names no host'],
    ['Host=h;Password=secret-0;secret-1=x', 'what stands after `Password` is not a keyword'],
    ['Host=h;Password=secret-1;Encrypt=true', '`Encrypt` is a keyword of Microsoft.Data.SqlClient'],
    ['host=h port=5 user=u password=secret-1', 'libpq'],
    ['Host=/secret-1;Username=u', 'neither a name nor an address'],
    ['Host=h;Target Session Attributes=primary;Password=secret-1', 'several hosts'],
    ['Host=h;Password=secret-1;SSL Mode=maybe', '`SSL Mode`'],
    ['Host=h;Password=secret-1;Port=x', '`Port`'],
    ['Host=h;Password=secret-1;SSL Mode=VerifyCA;Root Certificate=/no/such/file', 'Root Certificate'],
    ['postgres://u:secret-1@[/db', 'postgres:// URI'],
  ])('refuse %s, without showing a secret', (text, reason) => {
    expect(() => parsePostgres(text)).toThrowError(
      expect.objectContaining({ code: 'connection_string_invalid', message: expect.stringContaining(reason) }),
    );
    expect(() => parsePostgres(text)).not.toThrowError('secret-1');
  });
});
