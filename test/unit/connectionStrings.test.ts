import { describe, expect, it } from 'vitest';
import { parseConnectionString as parsePostgres } from '../../src/lib/sqlCache/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../../src/lib/sqlCache/sqlServer/connectionString.ts';

const token = async () => 'a token';

describe('connection strings of SQL Server', () => {
  it('name a managed identity', () => {
    const parsed = parseSqlServer(
      'Server=tcp:cache.database.windows.net,1433;Database=db;Authentication=Active Directory Managed Identity;User ID=1b2c;Encrypt=True;Connection Timeout=30;',
    );
    expect(parsed).toMatchObject({
      server: 'cache.database.windows.net',
      login: { kind: 'managedIdentity', clientId: '1b2c' },
      config: {
        port: 1433,
        database: 'db',
        connectionTimeout: 30_000,
        options: { encrypt: true, trustServerCertificate: false },
      },
    });
  });

  it.each([
    ['Server=s;Authentication=Active Directory Default', { kind: 'default', clientId: undefined }],
    ['Server=s;Authentication=ActiveDirectoryMSI', { kind: 'managedIdentity', clientId: undefined }],
    [
      'Server=s;Authentication="Active Directory Workload Identity";User ID=x',
      { kind: 'workloadIdentity', clientId: 'x' },
    ],
    ['Server=s;User ID=sa;Password="p;w=d"', { kind: 'sql', user: 'sa', password: 'p;w=d' }],
    ['Data Source=s;UID=sa;PWD=p', { kind: 'sql', user: 'sa', password: 'p' }],
  ])('log in as %s says', (text, login) => {
    expect(parseSqlServer(text).login).toEqual(login);
  });

  it.each([
    ['tcp:name,1444', 'name', { port: 1444 }],
    ['name', 'name', { port: 1433 }],
    ['name\\SQLEXPRESS', 'name', { options: expect.objectContaining({ instanceName: 'SQLEXPRESS' }) }],
    ['name\\SQLEXPRESS,1450', 'name', { port: 1450 }],
    ['(local)', 'localhost', { port: 1433 }],
  ])('reach the server %s', (address, server, config) => {
    expect(parseSqlServer(`Server=${address};User ID=u;Password=p`)).toMatchObject({ server, config });
  });

  it.each([
    ['Mandatory', true],
    ['no', false],
    ['Strict', 'strict'],
  ])('encrypt as %s says', (word, encrypt) => {
    expect(parseSqlServer(`Server=s;User ID=u;Password=p;Encrypt=${word}`).config.options?.encrypt).toBe(encrypt);
  });

  it('encrypt where they do not say', () => {
    expect(parseSqlServer('Server=s;User ID=u;Password=p').config.options?.encrypt).toBe(true);
  });

  it.each([
    ['Database=db;User ID=u;Password=secret-1', 'names no server'],
    ['Server=s;Password=secret-1', '`User ID`'],
    ['Server=s;Integrated Security=true;Password=secret-1', 'Windows authentication'],
    ['Server=s;Authentication=Active Directory Interactive;Password=secret-1', 'nobody to sign in'],
    ['Server=s;User ID=u;Password=secret-1;Encrypt=perhaps', '`Encrypt`'],
    ['Server=np:x;User ID=u;Password=secret-1', 'TCP'],
    ['Server=s;User ID=u;Password=secret-0;secret-1=x', 'keyword no. 4'],
    ['Server=s,99999;User ID=u;Password=secret-1', '`Server`'],
    ['secret-1', 'names no server'],
  ])('refuse %s, without showing a secret', (text, reason) => {
    expect(() => parseSqlServer(text)).toThrowError(
      expect.objectContaining({ code: 'connection_string_invalid', message: expect.stringContaining(reason) }),
    );
    expect(() => parseSqlServer(text)).not.toThrowError('secret-1');
  });
});

describe('connection strings of PostgreSQL', () => {
  it('are read as Npgsql writes them', () => {
    const text =
      'Host=pg.postgres.database.azure.com;Port=5433;Database=db;Username=app;Password="a;b";SSL Mode=VerifyFull;Maximum Pool Size=5';
    expect(parsePostgres(text, token)).toMatchObject({
      host: 'pg.postgres.database.azure.com',
      port: 5433,
      database: 'db',
      user: 'app',
      password: 'a;b',
      ssl: { rejectUnauthorized: true },
    });
  });

  it('are read as URIs', () => {
    expect(parsePostgres('postgres://app:p%40ss@host:6000/db', token)).toMatchObject({
      host: 'host',
      port: 6000,
      user: 'app',
      password: 'p@ss',
      database: 'db',
    });
  });

  it('take an Entra token where they name no password', async () => {
    for (const text of ['Host=h;Username=identity;Database=db', 'postgres://identity@h/db']) {
      const { password } = parsePostgres(text, token);
      expect(typeof password === 'function' && (await password())).toBe('a token');
    }
  });

  it('encrypt towards Azure, with the certificate checked, where they do not say', () => {
    expect(parsePostgres('Host=x.postgres.database.azure.com;Username=u', token).ssl).toEqual({
      rejectUnauthorized: true,
    });
    expect(parsePostgres('Host=localhost;Username=u', token).ssl).toBe(false);
  });

  it.each([
    ['Username=u;Password=secret-1', 'names no host'],
    ['Host=h;Password=secret-0;secret-1=x', 'keyword no. 3'],
    ['Host=h;Password=secret-1;SSL Mode=maybe', '`SSL Mode`'],
    ['Host=h;Password=secret-1;Port=x', '`Port`'],
    ['Host=h;Password=secret-1;SSL Mode=VerifyCA;Root Certificate=/no/such/file', 'Root Certificate'],
    ['postgres://u:secret-1@[/db', 'postgres:// URI'],
  ])('refuse %s, without showing a secret', (text, reason) => {
    expect(() => parsePostgres(text, token)).toThrowError(
      expect.objectContaining({ code: 'connection_string_invalid', message: expect.stringContaining(reason) }),
    );
    expect(() => parsePostgres(text, token)).not.toThrowError('secret-1');
  });
});
