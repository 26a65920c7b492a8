/** Broken setups on real Redis servers: for each the check that names its cause, and no other that blames anything. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/freePort.ts';
import { selfSigned } from '../../support/certificates.ts';
import {
  appKey,
  type CacheEntry,
  certificateRing,
  diagnose,
  encryptedValue,
  entries,
  entry,
  plainValue,
  type TestRing,
  userKey,
  withRings,
} from '../../support/diagnosis.ts';
import { type RedisServer, redisFound, startRedis, stopAllRedisServers } from '../../support/redisServer.ts';

/** What a Redis for token caches should have. */
const healthy = ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'];

/** As Microsoft.Extensions.Caching.StackExchangeRedis writes them. */
async function fill(server: RedisServer, all: readonly CacheEntry[], prefix = ''): Promise<void> {
  const pipeline = server.client.pipeline();
  for (const { key, value, expiresInMs, slidingSeconds } of all) {
    const sliding = slidingSeconds === null ? '-1' : String(slidingSeconds * 10_000_000);
    pipeline.hset(prefix + key, 'absexp', '-1', 'sldexp', sliding, 'data', value);
    if (expiresInMs > 0) pipeline.pexpire(prefix + key, expiresInMs);
  }
  await pipeline.exec();
}

const env = (server: RedisServer, more = '') => ({
  TOKEN_CACHE_CONNECTION_STRING: `127.0.0.1:${server.port},abortConnect=False${more}`,
  // A busy machine is not what is looked for here.
  REDIS_PING_WARNING: 'PT10S',
  REDIS_PING_CRITICAL: 'PT20S',
});

const encrypted = (keyId: string, count = 30) => entries(count, () => ({ value: encryptedValue(keyId) }));

interface Setup {
  setup: string;
  blamed: string[];
  args?: string[];
  build(server: RedisServer): Promise<Record<string, string> | undefined>;
}

describe.skipIf(!redisFound)('on Redis, the diagnosis blames', () => {
  let ring: TestRing;
  beforeAll(async () => {
    ring = await certificateRing('web');
  });
  afterAll(() => ring.remove());
  afterEach(stopAllRedisServers);

  const setups: Setup[] = [
    {
      setup: 'an instance that encrypts with a ring of its own',
      blamed: ['encryption-unknown-keys: key_not_in_ring'],
      build: async (server) => void (await fill(server, [...encrypted(ring.keyId), ...encrypted(randomUUID(), 3)])),
    },
    {
      setup: 'some apps with Encrypt, some without',
      blamed: ['entries-mixture: plain_and_encrypted'],
      build: async (server) => void (await fill(server, [...encrypted(ring.keyId), ...entries(10)])),
    },
    {
      setup: 'JSON that was cut off',
      blamed: ['entries-format: foreign_format'],
      build: async (server) =>
        void (await fill(server, [
          ...encrypted(ring.keyId),
          ...entries(3, () => ({ value: plainValue().subarray(0, 500) })),
        ])),
    },
    {
      setup: 'entries without data',
      blamed: ['entries-empty: empty_values'],
      build: async (server) =>
        void (await fill(server, [...encrypted(ring.keyId), ...entries(2, () => ({ value: Buffer.alloc(0) }))])),
    },
    {
      setup: 'entries that never expire',
      blamed: ['entries-lifetime: entries_never_expire', 'redis-keys-without-ttl: keys_without_ttl'],
      build: async (server) =>
        void (await fill(server, [
          ...encrypted(ring.keyId),
          ...entries(10, () => ({ value: encryptedValue(ring.keyId), expiresInMs: 0, slidingSeconds: null })),
        ])),
    },
    {
      setup: 'a sliding expiration of 20 minutes',
      blamed: ['entries-sliding-short: sliding_shorter_than_token'],
      build: async (server) =>
        void (await fill(
          server,
          entries(30, () => ({ value: encryptedValue(ring.keyId), slidingSeconds: 1_200, expiresInMs: 1_100_000 })),
        )),
    },
    {
      setup: 'keys that differ in case alone',
      blamed: ['keys-case: keys_differ_in_case'],
      build: async (server) => {
        const value = encryptedValue(ring.keyId);
        const key = `abcdef01${userKey().slice(8)}`;
        const both = [entry({ key, value }), entry({ key: key.toUpperCase(), value })];
        await fill(server, [...encrypted(ring.keyId), ...both]);
        return undefined;
      },
    },
    {
      setup: 'the same user under two tenants',
      blamed: ['keys-tenant: keys_differ_in_tenant'],
      build: async (server) => {
        const value = encryptedValue(ring.keyId);
        const object = randomUUID();
        const both = [randomUUID(), randomUUID()].map((tenant) => entry({ key: `${object}.${tenant}`, value }));
        await fill(server, [...encrypted(ring.keyId), ...both]);
        return undefined;
      },
    },
    {
      setup: 'two apps behind one InstanceName',
      blamed: ['entries-shared-by-apps: shared_by_apps'],
      build: async (server) => {
        const value = encryptedValue(ring.keyId);
        const apps = [randomUUID(), randomUUID()].map((client) => entry({ key: appKey(client), value }));
        await fill(server, [...encrypted(ring.keyId), ...apps]);
        return undefined;
      },
    },
    {
      setup: 'an InstanceName in the settings that is not the one of the apps',
      blamed: ['instance-name: instance_name_differs'],
      build: async (server) => {
        await fill(server, encrypted(ring.keyId), 'web:');
        return { ...env(server), TOKEN_CACHE_INSTANCE_NAME: 'app:' };
      },
    },
    {
      setup: 'an InstanceName of the apps, and none in the settings',
      blamed: ['instance-name: instance_name_differs'],
      build: async (server) => void (await fill(server, encrypted(ring.keyId), 'web:')),
    },
    {
      setup: 'other data behind the same InstanceName',
      blamed: ['entries-kinds: foreign_keys'],
      build: async (server) => {
        await fill(server, encrypted(ring.keyId));
        await server.client.set('session:1', 'x', 'EX', 1_000);
        await server.client.set('session:2', 'x', 'EX', 1_000);
        return undefined;
      },
    },
    {
      setup: 'a policy that refuses writes when full',
      blamed: ['redis-eviction-policy: eviction_policy'],
      args: ['--maxmemory', '200mb', '--maxmemory-policy', 'noeviction', '--appendonly', 'yes'],
      build: async (server) => void (await fill(server, encrypted(ring.keyId))),
    },
    {
      setup: 'no limit of memory',
      blamed: ['redis-no-memory-limit: no_memory_limit'],
      args: ['--maxmemory', '0', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
      build: async (server) => void (await fill(server, encrypted(ring.keyId))),
    },
    {
      setup: 'neither persistence nor a replica',
      blamed: ['redis-persistence: persistence'],
      args: ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru'],
      build: async (server) => void (await fill(server, encrypted(ring.keyId))),
    },
    {
      setup: 'a memory that is nearly full',
      blamed: ['redis-memory: memory'],
      build: async (server) => {
        await fill(server, encrypted(ring.keyId));
        const used = Number(/used_memory:(\d+)/.exec(await server.client.info('memory'))?.[1]);
        await server.client.config('SET', 'maxmemory', String(Math.round(used / 0.82)));
        return undefined;
      },
    },
    {
      setup: 'a key ring in the database of the cache',
      blamed: ['redis-key-ring-in-cache: key_ring_in_cache'],
      build: async (server) => {
        await fill(server, encrypted(ring.keyId, 60));
        await server.client.rpush('DataProtection-Keys', '<key id="x"/>');
        return undefined;
      },
    },
    {
      setup: 'a connection string that gives up at the first failure',
      blamed: ['connection-string: abort_connect'],
      build: async (server) => {
        await fill(server, encrypted(ring.keyId));
        return { ...env(server), TOKEN_CACHE_CONNECTION_STRING: `127.0.0.1:${server.port},abortConnect=True` };
      },
    },
    {
      setup: 'a wrong password',
      blamed: ['connection: login_failed'],
      args: [...healthy, '--requirepass', 'right'],
      build: async (server) => env(server, ',password=wrong-secret'),
    },
    {
      setup: 'a right that is missing',
      blamed: ['connection: permission_missing'],
      build: async (server) => {
        await server.client.call('ACL', 'SETUSER', 'weak', 'on', '>weak-password', '~*', '+info', '+ping');
        return env(server, ',user=weak,password=weak-password');
      },
    },
    {
      setup: 'a database that is not there',
      blamed: ['connection: database_missing'],
      build: async (server) => env(server, ',defaultDatabase=99'),
    },
    {
      setup: 'TLS on a port without it',
      blamed: ['connection: tls_mismatch'],
      build: async (server) => env(server, ',ssl=True'),
    },
    {
      setup: 'a closed port',
      blamed: ['connection: tcp_refused'],
      build: async () => ({ TOKEN_CACHE_CONNECTION_STRING: `127.0.0.1:${await freePort()},abortConnect=False` }),
    },
  ];

  it.each(setups)('$setup', async ({ build, blamed, args = healthy }) => {
    const server = await startRedis({ args, ...(args.includes('--requirepass') && { client: { password: 'right' } }) });
    const { blamed: found, report } = await diagnose(withRings((await build(server)) ?? env(server), ring));
    expect(found).toEqual(blamed);
    expect(JSON.stringify(report)).not.toMatch(/wrong-secret|weak-password|secret-/);
  });

  it('a certificate that ends soon', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'diagnosis-redis-'));
    const { certificatePem, keyPem } = selfSigned('127.0.0.1', { to: Date.now() + 9 * 86_400_000 });
    const [certificate, key] = [join(folder, 'redis.crt'), join(folder, 'redis.key')];
    await writeFile(certificate, certificatePem);
    await writeFile(key, keyPem);
    const tls = [
      '--tls-port',
      String(await freePort()),
      '--tls-cert-file',
      certificate,
      '--tls-key-file',
      key,
      '--tls-auth-clients',
      'no',
    ];
    const port = Number(tls[1]);
    const server = await startRedis({ port, args: [...healthy, ...tls], client: { tls: { ca: certificatePem } } });
    await fill(server, encrypted(ring.keyId));
    const settings = { ...env(server, ',ssl=True'), REDIS_CA_FILE: certificate };
    expect((await diagnose(withRings(settings, ring))).blamed).toEqual([
      'connection-certificate: certificate_ends_soon',
    ]);
    const { REDIS_CA_FILE: _, ...untrusted } = settings;
    expect((await diagnose(withRings(untrusted, ring))).blamed).toEqual(['connection: certificate_untrusted']);
    const plain = await diagnose(withRings(env(server), ring));
    expect(plain.blamed).toEqual(['connection: tls_mismatch']);
    await rm(folder, { recursive: true, force: true });
  });

  it('nothing on a healthy server', async () => {
    const server = await startRedis({ args: healthy });
    await fill(server, [...encrypted(ring.keyId), entry({ value: encryptedValue(ring.keyId) })], 'web:');
    const { report } = await diagnose(withRings({ ...env(server), TOKEN_CACHE_INSTANCE_NAME: 'web:' }, ring));
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
  });
});
