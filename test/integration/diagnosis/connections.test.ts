/** Broken connections: name, port, firewall, TLS, login, database and table are told apart, on every kind of server. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalPostgres, startPostgres } from '../../../dev/embeddedPostgres.ts';
import { freePort } from '../../../dev/freePort.ts';
import { selfSigned } from '../../support/certificates.ts';
import { diagnose, entries } from '../../support/diagnosis.ts';
import { createEndpointCache, createPostgresCache, fillEndpoint, fillPostgres } from '../../support/diagnosisTables.ts';
import { connect } from '../../support/postgresConnections.ts';
import { errorFault } from '../../support/sqlServer/faults.ts';
import { useEndpoint } from '../../support/sqlServer/useEndpoint.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcpProxy.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
let proxy: TcpProxy;

beforeAll(async () => {
  await createPostgresCache(database);
  await fillPostgres(database, entries(5));
  await createEndpointCache(database);
  await fillEndpoint(database, entries(5));
  proxy = await startTcpProxy(Number(new URL(database.url).port));
});
afterAll(() => proxy.close());
beforeEach(() => endpoint().faults.clear());

const postgres = (change: Partial<URL> = {}) => ({
  TOKEN_CACHE_CONNECTION_STRING: Object.assign(new URL(database.url), change).href,
});
const sqlServer = (more = 'Encrypt=False', change = (text: string) => text) => ({
  TOKEN_CACHE_CONNECTION_STRING: change(endpoint().connectionString(more)),
});
const always = { times: 10_000 };

/** The connection alone is to blame, at its step; everything else on the cache could not be looked at, and says so. */
async function connectionBlamed(env: Record<string, string>, step: string) {
  const { report, blamed } = await diagnose(env);
  const connection = report.checks.find(({ check }) => check === 'connection');
  expect(connection?.what).toContain(`The step ${step} failed`);
  expect(connection?.evidence.at(-1)?.what === step || connection?.evidence.some(({ what }) => what === step)).toBe(
    true,
  );
  const others = report.checks.filter(({ subject, status }) => subject.startsWith('cache') && status === 'unknown');
  expect(others.length).toBeGreaterThan(10);
  return blamed;
}

describe('on PostgreSQL, the diagnosis blames', () => {
  it('a name that does not resolve', async () => {
    expect(await connectionBlamed(postgres({ hostname: 'nowhere.invalid' }), 'name')).toEqual([
      'connection-string: not_encrypted',
      'connection: host_not_found',
    ]);
  });

  it('a wrong port', async () => {
    expect(await connectionBlamed(postgres({ port: String(await freePort()) }), 'tcp')).toEqual([
      'connection: tcp_refused',
    ]);
  });

  const hostsOf = (...hosts: string[]) => {
    const { username, password, pathname } = new URL(database.url);
    return {
      TOKEN_CACHE_CONNECTION_STRING: `Host=${hosts.join(',')};Username=${decodeURIComponent(username)};Password=${decodeURIComponent(password)};Database=${pathname.slice(1)}`,
    };
  };

  it.each(['first', 'last'])('one of several hosts, the %s of them', async (which) => {
    const live = `127.0.0.1:${new URL(database.url).port}`;
    const dead = `127.0.0.1:${await freePort()}`;
    const { report, blamed } = await diagnose(hostsOf(...(which === 'first' ? [dead, live] : [live, dead])));
    expect(blamed).toContain('connection: host_away');
    // Its looks go on side by side, and none waits for a way to connect that another has given up.
    expect(report.checks.filter(({ status }) => status === 'unknown')).toEqual([]);
    const connection = report.checks.find(({ check }) => check === 'connection');
    expect(connection).toMatchObject({ status: 'warning' });
    expect(connection?.what).toContain(`PostgreSQL at ${live} answers at every step`);
    expect(connection?.evidence).toContainEqual({ what: dead, value: 'tcp_refused' });
  });

  it('all of several hosts, each by its own reason', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    expect(await connectionBlamed(hostsOf('nowhere.invalid', dead), 'tcp')).toContain('connection: tcp_refused');
  });

  it('a server that takes connections and is silent', async () => {
    proxy.blackHole();
    try {
      expect(await connectionBlamed(postgres({ port: String(proxy.port) }), 'login')).toEqual([
        'connection: login_no_answer',
      ]);
    } finally {
      proxy.pass();
    }
  });

  it('a wrong password', async () => {
    await database.query("create role wrong_password login password 'right'").catch(() => undefined);
    const url = postgres({ username: 'wrong_password', password: 'wrong-secret' });
    const { report, blamed } = await diagnose(url);
    expect(blamed).toEqual(['connection: login_failed']);
    expect(JSON.stringify(report)).not.toContain('wrong-secret');
    await database.query('drop role wrong_password');
  });

  it('a database that is not there', async () => {
    expect(await connectionBlamed(postgres({ pathname: '/nothing_here' }), 'database')).toEqual([
      'connection: database_missing',
    ]);
  });

  it('a missing right to the table', async () => {
    await database.query("create role no_rights login password 'local'");
    expect(await connectionBlamed(postgres({ username: 'no_rights', password: 'local' }), 'permission')).toEqual([
      'connection: permission_missing',
    ]);
    await database.query('drop role no_rights');
  });

  it('a table that is not there', async () => {
    const env = { ...postgres(), TOKEN_CACHE_TABLE: 'public.another' };
    expect(await connectionBlamed(env, 'permission')).toEqual(['connection: table_missing']);
  });

  it('a lock on the table', async () => {
    const holder = await database.connect();
    await holder.query('begin; lock table public.tokencache in access exclusive mode');
    expect(await connectionBlamed(postgres(), 'permission')).toEqual(['connection: table_no_answer']);
    await holder.query('rollback');
  });

  it('TLS that the server does not offer', async () => {
    expect(await connectionBlamed(postgres({ search: '?sslmode=require' }), 'tls')).toEqual([
      'connection: tls_not_offered',
    ]);
  });

  it('TLS that begins at once, as `SSL Negotiation=Direct` has it', async () => {
    const server = await tlsPostgres('127.0.0.1', {});
    const direct = `${server.url('verify-full', server.ca)}&sslnegotiation=direct`;
    const { blamed, report } = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: direct });
    expect(blamed.filter((each) => /^connection:/.test(each))).toEqual([]);
    const connection = report.checks.find(({ check }) => check === 'connection');
    expect(connection).toMatchObject({ status: 'pass' });
    expect(connection?.evidence).toContainEqual({ what: 'TLS version', value: 'TLSv1.3' });
    await server.stop();
  });

  it('an expired certificate, one for another name, and one of nobody', async () => {
    const host = await tlsPostgres('127.0.0.1', { to: Date.now() - 86_400_000 });
    const expired = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: host.url('verify-full') });
    expect(expired.blamed).toEqual(['connection: certificate_expired']);
    const unchecked = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: host.url('no-verify') });
    expect(unchecked.blamed).toEqual(['connection-certificate: certificate_expired']);
    await host.stop();
    const wrongName = await tlsPostgres('elsewhere.example', {});
    const named = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: wrongName.url('verify-full', wrongName.ca) });
    expect(named.blamed).toEqual(['connection: certificate_name']);
    const untrusted = await diagnose({ TOKEN_CACHE_CONNECTION_STRING: wrongName.url('verify-full') });
    expect(untrusted.blamed).toEqual(['connection: certificate_untrusted']);
    await wrongName.stop();
  });
});

/** A PostgreSQL of the test's own with a certificate for `name`. */
async function tlsPostgres(name: string, validity: { from?: number; to?: number }) {
  const folder = await mkdtemp(join('/tmp', 'diagnosis-tls-'));
  await chmod(folder, 0o755);
  const { certificatePem, keyPem } = selfSigned(name, { from: Date.now() - 5 * 86_400_000, ...validity });
  const [certificate, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await writeFile(certificate, certificatePem);
  await writeFile(key, keyPem, { mode: 0o600 });
  if (process.getuid?.() === 0) {
    // The user that the embedded server runs as reads its key itself.
    const id = Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout || 0);
    await chown(key, id, id);
  }
  const flags = ['ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`];
  const server: LocalPostgres = await startPostgres(flags.flatMap((flag) => ['-c', flag]));
  const client = await connect({ connectionString: server.url('postgres') });
  await createPostgresCache({ query: async (text: string) => (await client.query(text)).rows } as never);
  await client.end();
  return {
    ca: certificate,
    url: (mode: string, ca?: string) =>
      `${server.url('postgres')}?sslmode=${mode}${ca ? `&sslrootcert=${encodeURIComponent(ca)}` : ''}`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe('before SQL Server, the diagnosis blames', () => {
  it('a firewall of Azure SQL', async () => {
    const text =
      "Cannot open server 'x' requested by the login. Client with IP address '203.0.113.7' is not allowed to access the server.";
    endpoint().faults.on('login', errorFault(40615, text), always);
    const { report, blamed } = await diagnose(sqlServer());
    expect(blamed).toEqual(['connection: firewall']);
    expect(JSON.stringify(report)).toContain('203.0.113.7');
  });

  it('a paused serverless database', async () => {
    const text = "Database 'cache' on server 'x' is not currently available. Please retry the connection later.";
    endpoint().faults.on('login', errorFault(40613, text), always);
    expect(await connectionBlamed(sqlServer(), 'database')).toEqual(['connection: database_paused']);
  });

  it('a wrong password', async () => {
    const env = sqlServer('Encrypt=False', (text) =>
      text.replace(/Password=".*?";Connect/, 'Password=wrong-secret;Connect'),
    );
    const { report, blamed } = await diagnose(env);
    expect(blamed).toEqual(['connection: login_failed']);
    expect(JSON.stringify(report)).not.toContain('wrong-secret');
  });

  it('an expired password', async () => {
    endpoint().faults.on(
      'login',
      errorFault(18487, "Login failed for user 'x'.  Reason: The password of the account has expired."),
      always,
    );
    expect(await connectionBlamed(sqlServer(), 'login')).toEqual(['connection: secret_expired']);
  });

  it('a wrong database', async () => {
    const env = sqlServer('Encrypt=False', (text) => text.replace('Database=cache', 'Database=other'));
    expect(await connectionBlamed(env, 'database')).toEqual(['connection: database_unavailable']);
  });

  it('a missing right to the table', async () => {
    endpoint().faults.on(
      'clock',
      errorFault(229, "The SELECT permission was denied on the object 'TokenCache'."),
      always,
    );
    expect(await connectionBlamed(sqlServer(), 'permission')).toEqual(['connection: permission_missing']);
  });

  it('a certificate that is not trusted', async () => {
    expect(await connectionBlamed(sqlServer('Encrypt=True'), 'tls')).toEqual(['connection: certificate_untrusted']);
  });

  it('a certificate that ends soon, where the client does not check it otherwise', async () => {
    const { blamed, report } = await diagnose(sqlServer('Encrypt=True;TrustServerCertificate=true'));
    expect(blamed).toEqual(['connection-certificate: certificate_ends_soon']);
    expect(report.checks.find(({ check }) => check === 'connection')?.evidence.map(({ what }) => what)).toContain(
      'tls',
    );
  });

  it('a certificate that is not trusted, by TDS 8 as well', async () => {
    const env = sqlServer('Encrypt=Strict;TrustServerCertificate=true');
    expect(await connectionBlamed(env, 'tls')).toEqual(['connection: certificate_untrusted']);
  });

  it('a port on which something else listens', async () => {
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const env = sqlServer('Encrypt=True', (text) => text.replace(/127\.0\.0\.1,\d+/, `127.0.0.1,${port}`));
    expect(await connectionBlamed(env, 'tls')).toEqual(['connection: tls_mismatch']);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a server that takes connections and is silent', async () => {
    const { port } = new URL(
      `tds://${/127\.0\.0\.1,\d+/.exec(endpoint().connectionString(''))?.[0].replace(',', ':')}`,
    );
    const silent = await startTcpProxy(Number(port));
    silent.blackHole();
    const env = sqlServer('Encrypt=False', (text) => text.replace(/127\.0\.0\.1,\d+/, `127.0.0.1,${silent.port}`));
    try {
      expect(await connectionBlamed(env, 'login')).toEqual(['connection: login_no_answer']);
    } finally {
      await silent.close();
    }
  });

  it('a port on which something else listens, where no TLS is asked for', async () => {
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const other = sqlServer('Encrypt=False', (text) => text.replace(/127\.0\.0\.1,\d+/, `127.0.0.1,${port}`));
    expect(await connectionBlamed(other, 'login')).toEqual(['connection: login_cut_off']);
    expect(await connectionBlamed(postgres({ port: String(port) }), 'login')).toEqual(['connection: login_cut_off']);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a connection string without encryption, and without a pool', async () => {
    const env = sqlServer('Encrypt=False;Pooling=False');
    expect((await diagnose(env)).blamed).toEqual(['connection-string: pooling_off']);
    const remote = sqlServer('Encrypt=False', (text) => text.replace('127.0.0.1', 'nowhere.invalid'));
    expect((await diagnose(remote)).blamed).toEqual(['connection-string: not_encrypted', 'connection: host_not_found']);
  });
});
