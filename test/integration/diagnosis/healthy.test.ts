/**
 * One healthy setup with a cache of every engine and a ring: nothing but `pass`. Where dotnet exists, the entries are those
 * that Microsoft.Identity.Web.TokenCache itself writes, encrypted by ASP.NET Core with the ring of this tool, and without.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { rotateKeyRing } from '../../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../../src/lib/keyRing/protectors/certificate.ts';
import { loadPfx } from '../../support/certificates.ts';
import { type Consumer, dotnetFound, dotnetTimeLimitMs, startConsumer } from '../../support/dataProtection.ts';
import {
  type CacheEntry,
  certificateRing,
  dayMs,
  diagnose,
  encryptedValue,
  entries,
  entry,
  type TestRing,
} from '../../support/diagnosis.ts';
import {
  createEndpointCache,
  createPostgresCache,
  fillEndpoint,
  fillPostgres,
  postgresTable,
} from '../../support/diagnosisTables.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../../support/redisServer.ts';
import { useEndpoint } from '../../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';
import { jobDeps } from '../../support/testRing.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);

let ring: TestRing;
let consumer: Consumer | undefined;
beforeAll(async () => {
  ring = await certificateRing('web');
  if (dotnetFound) consumer = startConsumer();
}, dotnetTimeLimitMs);
afterAll(async () => {
  await Promise.all([ring.remove(), consumer?.close()]);
});
beforeEach(async () => {
  await createPostgresCache(database);
  await createEndpointCache(database);
});
afterEach(stopAllRedisServers);

/** Entries of an app that gets a token, with the given ring. */
async function writtenByLibrary(of: TestRing, encrypt = true): Promise<CacheEntry[]> {
  const elements = (await of.store.read()).elements.map(({ xml }) => xml.reveal());
  const [answer] =
    (await consumer?.ask([
      {
        op: 'tokenCache',
        elements,
        certificates: [of.pfx],
        now: new Date().toISOString(),
        automaticGeneration: false,
        token: 'token-of-the-test',
        encrypt,
      },
    ])) ?? [];
  if (!answer || answer.error) throw new Error(answer?.error ?? 'no answer');
  return Object.entries(answer.cached).map(([key, value]) => entry({ key, value: Buffer.from(value, 'base64') }));
}

const settings = (more: object = {}) => ({
  RING_PASSWORD: 'fixture',
  KEY_RINGS: JSON.stringify([{ ...ring.settings, ...more }]),
});
const postgresEnv = () => ({ TOKEN_CACHE_CONNECTION_STRING: database.url, ...settings() });

describe.skipIf(!redisFound)('a healthy setup of every engine', () => {
  it('gives nothing but pass, in bounded time', async () => {
    const redis = await startRedis({
      args: ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'],
    });
    const users = entries(60, () => ({ value: encryptedValue(ring.keyId) }));
    const apps = dotnetFound ? await writtenByLibrary(ring) : [];
    await fillPostgres(database, [...users, ...apps]);
    await fillEndpoint(database, [...users, ...apps]);
    for (const { key, value } of [...users, ...apps]) {
      await redis.client.hset(`web:${key}`, { absexp: '-1', sldexp: String(14 * 86_400 * 10_000_000), data: value });
      await redis.client.pexpire(`web:${key}`, 13 * dayMs);
    }
    const env = {
      POSTGRES: database.url,
      SQL_SERVER: endpoint().connectionString('Encrypt=False'),
      REDIS: `127.0.0.1:${redis.port},abortConnect=False`,
      REDIS_PING_WARNING: 'PT10S',
      REDIS_PING_CRITICAL: 'PT20S',
      TOKEN_CACHES: JSON.stringify([
        { name: 'postgres', connectionStringSetting: 'POSTGRES' },
        { name: 'sqlserver', connectionStringSetting: 'SQL_SERVER' },
        { name: 'redis', connectionStringSetting: 'REDIS', instanceName: 'web:' },
      ]),
      ...settings({ caches: ['postgres', 'sqlserver', 'redis'] }),
    };
    const { report } = await diagnose(env);
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.status).toBe('pass');
    expect(new Set(report.checks.map(({ subject }) => subject)).size).toBe(5);
  });
});

describe.skipIf(!dotnetFound)('entries of Microsoft.Identity.Web itself', () => {
  it('are known by their ring', async () => {
    await fillPostgres(database, await writtenByLibrary(ring));
    const { blamed, unknown } = await diagnose(postgresEnv());
    expect([blamed, unknown]).toEqual([[], []]);
  });

  it('of an instance with a ring of its own are blamed on it, with the time since when', async () => {
    const stranger = await certificateRing('stranger');
    const [theirs] = await writtenByLibrary(stranger);
    await stranger.remove();
    const ours = await writtenByLibrary(ring);
    const moved = theirs && { ...theirs, key: theirs.key.replace(/_[0-9a-f]{8}/, '_00000000') };
    await fillPostgres(database, [...ours, ...(moved ? [moved] : [])]);
    const { blamed, report } = await diagnose(postgresEnv());
    expect(blamed).toEqual(['encryption-unknown-keys: key_not_in_ring']);
    const evidence = report.checks.find(({ check }) => check === 'encryption-unknown-keys')?.evidence ?? [];
    expect(evidence).toContainEqual({ what: `entries under key ${stranger.keyId}`, value: 1 });
    const since = evidence.find(({ what }) => what.startsWith('since about'))?.value;
    // Sliding by 14 days, with 13 left: touched a day ago.
    expect(Math.abs(Date.parse(String(since)) - (Date.now() - dayMs))).toBeLessThan(60_000);
  });

  it('with Encrypt off are plain, and a mixture of both is blamed', async () => {
    const plain = await writtenByLibrary(ring, false);
    await fillPostgres(database, plain);
    expect((await diagnose(postgresEnv())).blamed).toEqual([]);
    const encrypted = (await writtenByLibrary(ring)).map((each) => ({
      ...each,
      key: each.key.replace(/_[0-9a-f]{8}/, '_00000000'),
    }));
    await fillPostgres(database, encrypted);
    expect((await diagnose(postgresEnv())).blamed).toEqual(['entries-mixture: plain_and_encrypted']);
  });

  it('that a wrapper cut off are blamed as such', async () => {
    const cut = (await writtenByLibrary(ring, false)).map((each) => ({
      ...each,
      value: each.value.subarray(0, each.value.length - 40),
    }));
    await fillPostgres(database, cut);
    expect((await diagnose(postgresEnv())).blamed).toEqual(['entries-format: foreign_format']);
  });

  it('are known after the ring has rotated', async () => {
    await fillPostgres(database, await writtenByLibrary(ring));
    const protector = new CertificateProtector([await loadPfx(ring.pfx)]);
    await rotateKeyRing(jobDeps({ store: ring.store, clock: systemClock, protector }));
    expect((await diagnose(postgresEnv())).blamed).toEqual([]);
    expect(await database.query(`select 1 from ${postgresTable}`)).toHaveLength(1);
  });
});
