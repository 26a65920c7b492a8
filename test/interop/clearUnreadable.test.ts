/**
 * Entries that Microsoft.Identity.Web itself wrote, with a shared ring and without: a clear of the unreadable leaves every entry that
 * it can read, and it reads them; what it removes, the library could not.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Maintenance } from '../../src/lib/app/maintenance.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { type Consumer, dotnetFound, dotnetTimeLimitMs, startConsumer } from '../support/dataProtection.ts';
import { certificateRing, type TestRing, withRings } from '../support/diagnosis.ts';
import { createPostgresCache, postgresTable } from '../support/diagnosisTables.ts';
import { memoryRecords } from '../support/memoryRecords.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();

interface Written {
  /** The key under which the library looks for it; in the cache each has one of its own. */
  key: string;
  value: Buffer;
}

describe.skipIf(!dotnetFound)('a clear of the unreadable entries of Microsoft.Identity.Web', () => {
  let consumer: Consumer;
  let [shared, strange]: TestRing[] = [];
  beforeAll(async () => {
    consumer = startConsumer();
    [shared, strange] = await Promise.all([certificateRing('shared'), certificateRing('strange')]);
  }, dotnetTimeLimitMs);
  afterAll(async () => {
    await Promise.all([shared?.remove(), strange?.remove(), consumer?.close()]);
  });
  afterEach(stopAllRedisServers);
  beforeEach(() => createPostgresCache(database));

  const ring = () => {
    if (!shared || !strange) throw new Error('there are rings');
    return { shared, strange };
  };
  const ask = async (by: TestRing, request: { cached?: Record<string, string>; encrypt?: boolean }) => {
    const elements = (await by.store.read()).elements.map(({ xml }) => xml.reveal());
    const [answer] = await consumer.ask([
      {
        op: 'tokenCache',
        elements,
        certificates: [by.pfx],
        token: 'the token',
        automaticGeneration: false,
        now: new Date().toISOString(),
        ...request,
      },
    ]);
    if (!answer) throw new Error('no answer');
    return answer;
  };
  const written = async (by: TestRing, encrypt = true): Promise<Written> => {
    const [[key, value] = ['', '']] = Object.entries((await ask(by, { cached: {}, encrypt })).cached);
    return { key, value: Buffer.from(value, 'base64') };
  };
  const reads = async ({ key, value }: Written, encrypt = true) =>
    ask(ring().shared, { cached: { [key]: value.toString('base64') }, encrypt });
  const clear = async (env: Record<string, string>, confirm?: string) => {
    const maintenance = new Maintenance(
      readSettings(withRings(env, ring().shared), 'file'),
      () => undefined,
      memoryRecords(),
    );
    return maintenance.clear('default', 'cli', { unreadable: {}, confirm });
  };
  /** What the diagnosis says of the entries: it names this clear as the cure. */
  const statuses = async (env: Record<string, string>) => {
    const settings = readSettings(withRings(env, ring().shared), 'file');
    const { diagnosis } = new Maintenance(settings, () => undefined, memoryRecords());
    const { report } = await diagnosis.diagnose('cli', { caches: ['default'] });
    const checks = report?.checks.filter(({ check }) => /^(encryption-unknown-keys|entries-format)$/.test(check)) ?? [];
    for (const { status, advice } of checks)
      if (status === 'critical') expect(advice).toMatch(/clear --unreadable|clearing the cache/);
    return Object.fromEntries(checks.map(({ check, status }) => [check, status]));
  };
  /** Two by the shared ring, two by another, one damaged: each under a key of its own, as many users have. */
  const entries = async () => {
    const [good, bad] = [await written(ring().shared), await written(ring().strange)];
    const cut = { ...good, value: good.value.subarray(0, 10) };
    const all = [good, bad, good, bad, cut].map((entry) => ({ entry, id: `${randomUUID()}.${randomUUID()}` }));
    return { all, good: all.filter(({ entry }) => entry === good) };
  };
  const figures = { reasons: { keyInNoRing: 2, foreignFormat: 1 }, users: 3, usersOfAll: 5, complete: true };

  it('on PostgreSQL', { timeout: dotnetTimeLimitMs }, async () => {
    const { all, good } = await entries();
    for (const { id, entry } of all)
      await database.query(
        `insert into ${postgresTable} (id, value, expiresattime) values ($1, $2, now() + interval '1 hour')`,
        [id, entry.value],
      );
    const env = { TOKEN_CACHE_CONNECTION_STRING: database.url };
    expect(await clear(env)).toMatchObject({ report: { dryRun: true, unreadable: figures } });
    expect(await statuses(env)).toEqual({ 'encryption-unknown-keys': 'critical', 'entries-format': 'critical' });
    expect(await clear(env, 'default')).toMatchObject({
      outcome: 'succeeded',
      report: { deleted: 3, unreadable: figures },
    });
    expect(await statuses(env)).toEqual({ 'encryption-unknown-keys': 'pass', 'entries-format': 'pass' });
    const left = await database.query<{ id: string; value: Buffer }>(`select id, value from ${postgresTable}`);
    expect(left.map(({ id }) => id).sort()).toEqual(good.map(({ id }) => id).sort());
    for (const { value } of left)
      expect(await reads({ key: good[0]?.entry.key ?? '', value })).toMatchObject({
        token: 'the token',
        fromCache: true,
      });
    for (const { entry } of all.filter((each) => !good.includes(each)).slice(1))
      expect((await reads(entry)).error).toBe('json_parse_failed');
  });

  it.skipIf(!redisFound)('on Redis', { timeout: dotnetTimeLimitMs }, async () => {
    const { all, good } = await entries();
    const { client, node } = await startRedis();
    for (const { id, entry } of all) await client.hset(`web:${id}`, { absexp: '-1', sldexp: '-1', data: entry.value });
    const env = {
      TOKEN_CACHE_CONNECTION_STRING: `${node},abortConnect=False`,
      TOKEN_CACHE_ENGINE: 'redis',
      TOKEN_CACHE_INSTANCE_NAME: 'web:',
    };
    expect(await clear(env, 'default')).toMatchObject({
      outcome: 'succeeded',
      report: { deleted: 3, unreadable: figures },
    });
    expect((await client.keys('*')).sort()).toEqual(good.map(({ id }) => `web:${id}`).sort());
    for (const key of await client.keys('*')) {
      const value = (await client.hgetBuffer(key, 'data')) ?? Buffer.alloc(0);
      expect(await reads({ key: good[0]?.entry.key ?? '', value })).toMatchObject({ fromCache: true });
    }
  });

  it('leaves what the library takes for a miss, and plain entries, which an app that encrypts reads', {
    timeout: dotnetTimeLimitMs,
  }, async () => {
    const [encrypted, plain] = [await written(ring().shared), await written(ring().shared, false)];
    expect(plain.value.toString()).toMatch(/^{"/);
    const empty = await reads({ ...encrypted, value: Buffer.alloc(0) });
    expect(empty).toMatchObject({ token: 'the token', fromCache: false });
    expect(await reads(plain, true)).toMatchObject({ token: 'the token', fromCache: true });
    expect((await reads(encrypted, false)).error).toBe('json_parse_failed');
  });

  it('is refused where the ring cannot be read, and removes nothing', { timeout: dotnetTimeLimitMs }, async () => {
    const { value } = await written(ring().strange);
    await database.query(
      `insert into ${postgresTable} (id, value, expiresattime) values ($1, $2, now() + interval '1 hour')`,
      [`${randomUUID()}.${randomUUID()}`, value],
    );
    const away = {
      ...ring().shared,
      settings: { ...ring().shared.settings, store: { kind: 'folder', path: '/nowhere/at/all' } },
    };
    const settings = readSettings(withRings({ TOKEN_CACHE_CONNECTION_STRING: database.url }, away), 'file');
    const maintenance = new Maintenance(settings, () => undefined, memoryRecords());
    const result = await maintenance.clear('default', 'cli', { unreadable: {}, confirm: 'default' });
    expect(result).toMatchObject({ outcome: 'refused', error: { code: 'rings_unreadable' } });
    expect(await database.query(`select 1 from ${postgresTable}`)).toHaveLength(1);
  });
});
