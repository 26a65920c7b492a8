/** Nodes with TLS: what is trusted, and what is said where the handshake fails. On real servers, with a private authority. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { lookOnce, nodeOf } from '../support/redisWatch.ts';

describe.skipIf(!redisFound)('a node with TLS', () => {
  let folder: string;
  let tlsArgs: string[];
  let ca: string;
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-cache-tls-'));
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test authority', '-days', '2');
    openssl(
      'req',
      ...key,
      '-keyout',
      'server.key',
      '-out',
      'server.csr',
      '-subj',
      '/CN=cache.test',
      '-addext',
      'subjectAltName=DNS:cache.test,DNS:localhost',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'server.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      'server.pem',
      '-days',
      '2',
      '-copy_extensions',
      'copy',
    );
    ca = await readFile(join(folder, 'ca.pem'), 'utf8');
    tlsArgs = ['--tls-cert-file', 'server.pem', '--tls-key-file', 'server.key', '--tls-ca-cert-file', 'ca.pem']
      .map((arg) => (arg.startsWith('--') ? arg : join(folder, arg)))
      .concat(['--tls-auth-clients', 'no']);
  });
  afterEach(stopAllRedisServers);
  afterAll(() => rm(folder, { recursive: true }));

  const startTls = async () => {
    const port = await freePort();
    return startRedis({
      args: ['--tls-port', String(port), ...tlsArgs],
      port,
      client: { tls: { rejectUnauthorized: false } },
    });
  };

  it('and a private authority, ACL user and sslHost is looked at', async () => {
    const server = await startTls();
    await server.client.call(
      'ACL',
      'SETUSER',
      'watch',
      'on',
      '>pw-watch',
      '~*',
      '+info',
      '+ping',
      '+scan',
      '+pttl',
      '+type',
    );
    await writeEntries(server.client, { count: 5, ttlSeconds: 600 });
    const { report } = await lookOnce(`${server.node},ssl=True,sslHost=cache.test,user=watch,password=pw-watch`, {
      ca,
    });
    expect(nodeOf(report).keySample?.keys).toBe(5);
  });

  it.each([
    ['an unknown authority', ',ssl=True,sslHost=cache.test', false, /UNABLE_TO_VERIFY|SELF_SIGNED/],
    ['another name', ',ssl=True,sslHost=other.test', true, /ALTNAME/],
    ['another name, that of the endpoint', ',ssl=True', true, /ALTNAME/],
  ])('and %s fails at its handshake', async (_, extra, trusted, reason) => {
    const server = await startTls();
    const { finding } = await lookOnce(`${server.node}${extra}`, trusted ? { ca } : {});
    expect(finding).toMatchObject({ step: 'tls' });
    expect(finding?.what).toMatch(reason);
    expect(finding?.advice).toContain('REDIS_CA_FILE');
  });

  it('of a cluster, known by its address alone, has the certificate of the name that was given', async () => {
    const port = await freePort();
    const bus = String(await freePort());
    const cluster = [
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      bus,
      '--tls-cluster',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
    ];
    const client = { tls: { rejectUnauthorized: false } };
    const server = await startRedis({ args: ['--tls-port', String(port), ...tlsArgs, ...cluster], port, client });
    await server.client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    const { report, finding } = await lookOnce(`localhost:${port},ssl=True`, { ca });
    expect(finding).toBeUndefined();
    expect(report).toMatchObject({ deployment: 'cluster', nodes: [{ node: server.node, up: true }] });
  });

  it('that asks for a certificate of the client', async () => {
    const port = await freePort();
    const [cert = '', key = ''] = await Promise.all(
      ['server.pem', 'server.key'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    const client = { tls: { rejectUnauthorized: false, cert, key } };
    const server = await startRedis({
      args: ['--tls-port', String(port), ...tlsArgs, '--tls-auth-clients', 'yes'],
      port,
      client,
    });
    const { finding } = await lookOnce(`${server.node},ssl=True,sslHost=cache.test`, { ca });
    expect(finding).toMatchObject({ step: 'tls' });
    expect(finding?.what).toContain('CERTIFICATE_REQUIRED');
  });

  it('spoken to without TLS', async () => {
    const server = await startTls();
    const { finding } = await lookOnce(server.node);
    expect(finding).toMatchObject({ step: 'answer' });
    expect(finding?.advice).toContain('ssl=True');
  });

  it('expected where there is none', async () => {
    const server = await startRedis();
    expect((await lookOnce(`${server.node},ssl=True`)).finding).toMatchObject({ step: 'tls' });
  });

  it('stopped with SIGSTOP hangs in the handshake until the deadline', async () => {
    const server = await startTls();
    server.signal('SIGSTOP');
    const { finding } = await lookOnce(`${server.node},ssl=True,sslHost=cache.test`, { ca });
    expect(finding).toMatchObject({ step: 'tls' });
    expect(finding?.what).toContain('no answer in time');
  });
});
