/** What is wrong with the entries of a cache, the commands that the findings name for it, and a diagnosis after them, on each kind of cache. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../support/childProcess.ts';
import {
  type CacheEntry,
  certificateRing,
  dayMs,
  diagnose,
  encryptedValue,
  entries,
  plainValue,
  type TestRing,
  withRings,
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

const database = useTestDatabase();
const endpoint = useEndpoint(database);
let ring: TestRing;
let state: string;
beforeAll(async () => {
  ring = await certificateRing('web');
  state = await mkdtemp(join(tmpdir(), 'cures-state-'));
});
afterAll(async () => {
  await stopAllRedisServers();
  await ring.remove();
  await rm(state, { recursive: true });
});

const of = (count: number, value: () => Buffer) => entries(count, () => ({ value: value() }));
const readable = 30;
const broken = (): CacheEntry[] => [
  ...of(readable, () => encryptedValue(ring.keyId)),
  ...of(4, () => encryptedValue(randomUUID())),
  ...of(3, () => plainValue().subarray(0, 500)),
  ...of(5, plainValue),
];
const ofEntries = [
  'encryption-unknown-keys: key_not_in_ring',
  'entries-format: foreign_format',
  'entries-mixture: plain_and_encrypted',
];
const ofTables = ['expired-backlog: expired_backlog', 'expiry-index: expiry_index_missing'];
const expired = () => entries(20, () => ({ value: encryptedValue(ring.keyId), expiresInMs: -30 * dayMs }));

/** Runs each command that a finding names, as it stands there, and looks again. */
async function cure(connection: string, more: object, found: string[]): Promise<void> {
  const env = withRings(
    {
      TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'CACHE', ...more }]),
      CACHE: connection,
      XDG_STATE_HOME: state,
    },
    ring,
  );
  const before = await diagnose(env, { caches: ['web'] });
  expect(before.blamed).toEqual(found);
  const troubles = before.report.checks.filter(({ status }) => status === 'critical' || status === 'warning');
  const named = troubles.map(({ advice }) => /`token-cache ([^`]+)`/.exec(advice ?? '')?.[1]);
  expect(named).not.toContain(undefined);
  for (const command of new Set(named)) {
    const { code, stderr } = await run('bin/token-cache.js', command?.split(' ') ?? [], env);
    expect({ command, code, stderr }).toMatchObject({ code: 0 });
  }
  const after = await diagnose(env, { caches: ['web'] });
  // Where this machine is too busy to time a PING, the diagnosis says so.
  const unknown = after.unknown.filter((each) => !each.endsWith(': event_loop_late'));
  expect([after.blamed, unknown]).toEqual([[], []]);
}

const rows = async (table: string) => Number((await database.query(`select count(*) from ${table}`))[0]?.count);

describe('the commands that the findings name cure', () => {
  it('a table of PostgreSQL', async () => {
    await createPostgresCache(database, { index: false });
    await fillPostgres(database, [...broken(), ...expired()]);
    await cure(database.url, { table: postgresTable }, [...ofEntries, ...ofTables]);
    expect(await rows(postgresTable)).toBe(readable);
  });

  it('a table before the endpoint of SQL Server', async () => {
    await createEndpointCache(database);
    await fillEndpoint(database, [...broken(), ...expired()]);
    const found = [...ofEntries, 'expired-backlog: expired_backlog'];
    await cure(endpoint().connectionString('Encrypt=False'), { table: 'dbo.TokenCache' }, found);
    expect(await rows('"dbo"."TokenCache"')).toBe(readable);
  });

  it.skipIf(!redisFound)('a Redis', async () => {
    const args = ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'];
    const server = await startRedis({ args });
    const pipeline = server.client.pipeline();
    for (const { key, value, expiresInMs } of broken()) {
      pipeline.hset(`web:${key}`, 'absexp', '-1', 'sldexp', String(14 * 86_400 * 10_000_000), 'data', value);
      pipeline.pexpire(`web:${key}`, expiresInMs);
    }
    await pipeline.exec();
    await cure(`127.0.0.1:${server.port},abortConnect=False`, { instanceName: 'web:' }, ofEntries);
    expect(await server.client.dbsize()).toBe(readable);
  });
});
