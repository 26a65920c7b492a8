/** The built functions, loaded as the worker of the Functions host loads them (see dev/functionsWorker.ts). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/freePort.ts';
import { run } from '../support/childProcess.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const all = ['purgeExpiredEntries', 'ensureExpiryIndex', 'recordCacheCounts', 'watchRedis'];
const registered = [...all, 'rotateKeyRing', 'judgeFindings'];

async function invoke(env: Record<string, string>, names: string[] = []) {
  const { stdout, stderr, code } = await run('test/support/functionsProcess.ts', names, env);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as {
    registrations: Record<string, { type: string; schedule: string }[]>;
    results: Record<string, string>;
    logs: { name: string; level: string; message: string }[];
  };
}

describe('the function app', () => {
  let table: TestTable;
  beforeEach(async () => {
    table = await engine.create(engine.ordinaryName);
    await table.insert([
      { id: 'expired', expiresInMs: -hour },
      { id: 'alive', expiresInMs: hour },
    ]);
  });
  afterEach(() => engine.drop(engine.ordinaryName));

  it('registers a timer for each job, on the schedules of the settings', async () => {
    const { registrations } = await invoke({
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      SCHEDULE_COUNTS: '0 */7 * * * *',
    });
    expect(
      Object.fromEntries(
        Object.entries(registrations)
          .filter(([, [trigger]]) => trigger?.type === 'timerTrigger')
          .map(([name, [trigger]]) => [name, [trigger?.type, trigger?.schedule]]),
      ),
    ).toEqual({
      purgeExpiredEntries: ['timerTrigger', '0 */30 * * * *'],
      ensureExpiryIndex: ['timerTrigger', '0 17 3 * * *'],
      recordCacheCounts: ['timerTrigger', '0 */7 * * * *'],
      watchRedis: ['timerTrigger', '0 */5 * * * *'],
      watchApps: ['timerTrigger', '20 */15 * * * *'],
      rotateKeyRing: ['timerTrigger', '0 41 4 * * *'],
      judgeFindings: ['timerTrigger', '45 */5 * * * *'],
    });
  });

  it('runs each job on the cache', async () => {
    const { results, logs } = await invoke({ TOKEN_CACHE_CONNECTION_STRING: database.url }, [
      'recordCacheCounts',
      'ensureExpiryIndex',
      'purgeExpiredEntries',
    ]);
    expect(results).toEqual({ purgeExpiredEntries: 'ok', ensureExpiryIndex: 'ok', recordCacheCounts: 'ok' });
    expect(logs.map(({ message }) => message).join('\n')).toMatch(
      /counts default: 2 entries, 1 expired.*purge default: drained, 1 expired/s,
    );
    expect(await table.ids()).toEqual(['alive']);
  });

  it('registers everything without any setting, and each run fails with the reason', async () => {
    const { registrations, results } = await invoke({}, all);
    expect(Object.keys(registrations)).toEqual(expect.arrayContaining(registered));
    for (const name of all) expect(results[name]).toContain('TOKEN_CACHE_CONNECTION_STRING is not set');
  });

  it('serves the rightly configured caches beside wrong ones, and fails with the reason, without a secret', async () => {
    const caches = [
      { name: 'good', connectionStringSetting: 'GOOD' },
      { name: 'odd', connectionStringSetting: 'ODD' },
    ];
    const env = {
      TOKEN_CACHES: JSON.stringify(caches),
      GOOD: database.url,
      ODD: 'Host=h;Password=secret-1;Port=x',
      SCHEDULE_PURGE: 'nonsense',
    };
    const { registrations, results, logs } = await invoke(env, ['purgeExpiredEntries']);
    expect(registrations.purgeExpiredEntries?.[0]?.schedule).toBe('0 */30 * * * *');
    expect(await table.ids()).toEqual(['alive']);
    expect(results.purgeExpiredEntries).toContain('odd: settings_invalid: ODD cannot be used');
    const output = JSON.stringify({ results, logs });
    expect(output).toContain('SCHEDULE_PURGE must be an NCRONTAB expression');
    expect(output).not.toContain('secret-1');
  });

  it.skipIf(!redisFound)('watches every Redis cache beside the SQL ones, and warns in the log', async () => {
    const server = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), 'token-cache-records-'));
    const caches = [
      { name: 'web', connectionStringSetting: 'WEB' },
      { name: 'gone', connectionStringSetting: 'GONE' },
      { name: 'sql', connectionStringSetting: 'SQL' },
    ];
    const { results, logs } = await invoke(
      {
        TOKEN_CACHES: JSON.stringify(caches),
        WEB: server.node,
        GONE: `127.0.0.1:${await freePort()}`,
        SQL: database.url,
        RECORD_STORE: `file:${folder}`,
      },
      ['watchRedis', 'purgeExpiredEntries'],
    );
    expect(results).toEqual({ watchRedis: 'ok', purgeExpiredEntries: 'ok' });
    const text = logs.map(({ name, level, message }) => `${name} ${level} ${message}`).join('\n');
    expect(text).toMatch(/watchRedis \w+ redis web: 1 node, memory .* used, \d findings/);
    expect(text).toMatch(/watchRedis \w+ redis gone: critical redis-unreachable/);
    expect(text).not.toMatch(/watchRedis \w+ redis sql|purgeExpiredEntries \w+ purge (web|gone)/);
    await stopAllRedisServers();
    await rm(folder, { recursive: true });
  });

  it.skipIf(!redisFound)('compares two looks of one process, without a record store too', async () => {
    const server = await startRedis();
    const { logs } = await invoke({ TOKEN_CACHE_CONNECTION_STRING: server.node }, ['watchRedis', 'watchRedis']);
    const reports = logs.filter(({ level }) => /^info/i.test(level)).map(({ message }) => message);
    expect(reports).toHaveLength(2);
    expect(reports[0]).toContain('"sinceLastLook":null');
    expect(reports[1]).toContain('"sinceLastLook":{"at":');
    await stopAllRedisServers();
  });
});
