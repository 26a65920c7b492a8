/** POST /api/clear and `token-cache clear`, on the real PostgreSQL, Azurite and Redis. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../support/childProcess.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { useHttpApp } from '../support/httpApp.ts';
import { writeEntries } from '../support/redisEntries.ts';
import { type RedisServer, redisFound, startRedis } from '../support/redisServer.ts';

const { app, table, database } = useHttpApp({ ALLOW_CLEAR: 'true' });
const script = 'bin/token-cache.js';

describe('POST /api/clear of a SQL cache', () => {
  it('is a dry run unless told otherwise, and says how many entries that is', async () => {
    for (const body of [{}, { cache: 'default' }, { dryRun: true, confirm: 'default' }]) {
      const { status, json } = await app().call('POST', 'clear', { body });
      expect(status).toBe(200);
      expect(json).toMatchObject({
        job: 'clear',
        trigger: 'http',
        report: { dryRun: true, wouldDelete: { count: 1_001, estimated: false }, active: { count: 1 } },
      });
    }
    expect(await table().ids()).toHaveLength(1_001);
  });

  it('deletes every entry when confirmed, and leaves a record of who asked', async () => {
    const { status, json } = await app().call('POST', 'clear', { body: { dryRun: false, confirm: 'default' } });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      report: { dryRun: false, stopReason: 'drained', deleted: 1_001, remaining: { count: 0 } },
      requestedBy: { by: 'function key' },
    });
    expect((await app().call('GET', `runs/${json.runId}`)).json).toEqual(json);
    expect((await app().call('GET', 'runs?job=clear&limit=1')).json).toMatchObject({ runs: [{ runId: json.runId }] });
    expect(await table().ids()).toEqual([]);
  });

  it('removes the unreadable alone where that is asked for, over HTTP as in the terminal', async () => {
    // Without a ring in the settings, and among keys that are not a token cache's, nothing is unreadable.
    const body = { unreadable: true, dryRun: false, confirm: 'default' };
    const { status, json } = await app().call('POST', 'clear', { body });
    expect([status, json]).toMatchObject([
      200,
      { report: { dryRun: false, deleted: 0, unreadable: { reasons: {}, users: 0, looked: 1, complete: true } } },
    ]);
    expect(await table().ids()).toHaveLength(1_001);
    expect((await app().call('POST', 'clear', { body: { expect: 'plain' } })).status).toBe(400);
    const env = { TOKEN_CACHE_CONNECTION_STRING: database.url, RECORD_STORE: 'none' };
    const printed = await run(script, ['clear', '--unreadable', '--cache', 'default'], env);
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/unreadable +none/) });
    expect((await run(script, ['clear', '--expect', 'plain'], env)).code).toBe(2);
  });

  it('is told of the run that holds the table; a dry run is not refused', async () => {
    const cache = table().open();
    const held = await cache.tryLock('purge');
    expect(await app().call('POST', 'clear', { body: { dryRun: false, confirm: 'default' } })).toMatchObject({
      status: 409,
      json: { code: 'run_in_progress' },
    });
    expect((await app().call('POST', 'clear', { body: {} })).status).toBe(200);
    await held?.release();
    await cache.close();
    expect(await table().ids()).toHaveLength(1_001);
  });

  it.each([{}, { ALLOW_CLEAR: 'false' }, { ALLOW_CLEAR: 'yes' }, { ALLOW_CLEAR: '1' }])(
    'is refused with %o, whatever is asked',
    async (settings) => {
      const closed = await startFunctionsApp({
        TOKEN_CACHE_CONNECTION_STRING: database.url,
        RECORD_STORE: 'none',
        ...settings,
      });
      for (const body of [{}, { dryRun: false, confirm: 'default' }, { nonsense: 1 }])
        expect(await closed.call('POST', 'clear', { body })).toMatchObject({
          status: 403,
          json: { code: 'clear_not_allowed', advice: expect.stringContaining('ALLOW_CLEAR') },
        });
      await closed.stop();
      expect(await table().ids()).toHaveLength(1_001);
    },
  );
});

describe('token-cache clear', () => {
  const clear = (...args: string[]) =>
    run(script, ['clear', ...args], { TOKEN_CACHE_CONNECTION_STRING: database.url, RECORD_STORE: 'none' });

  it('is a plan unless confirmed with the name of the cache', async () => {
    for (const args of [[], ['--dry-run', '--confirm', 'default']]) {
      const { code, stdout } = await clear(...args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/would delete\s+1,001 entries/);
      expect(stdout).toContain('--confirm');
    }
    expect((await clear('--confirm', 'other')).code).toBe(2);
    expect(await clear('--cache', 'default', '--confirm', 'other')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('confirmation_wrong'),
    });
    expect(await table().ids()).toHaveLength(1_001);
  });

  it('needs no ALLOW_CLEAR, which is for HTTP', async () => {
    const { code, stdout } = await clear('--confirm', 'default', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).runs).toMatchObject([
      { job: 'clear', trigger: 'cli', report: { stopReason: 'drained', deleted: 1_001 } },
    ]);
    expect(await table().ids()).toEqual([]);
  });
});

describe.skipIf(!redisFound)('POST /api/clear of a Redis cache', () => {
  let server: RedisServer;
  let redisApp: FunctionsApp;
  beforeAll(async () => {
    server = await startRedis();
    redisApp = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: server.node,
      TOKEN_CACHE_INSTANCE_NAME: 'web:',
      ALLOW_CLEAR: 'true',
      RECORD_STORE: 'none',
    });
  });
  afterAll(async () => {
    await redisApp.stop();
    await server.stop();
  });
  beforeEach(async () => {
    await server.client.flushall();
    await writeEntries(server.client, { count: 1_200, instanceName: 'web:' });
    await server.client.rpush('DataProtection-Keys', '<key/>');
    await server.client.set('other', 'x');
  });

  it('counts in a dry run, and deletes when confirmed, by prefix', async () => {
    expect((await redisApp.call('POST', 'clear', { body: {} })).json).toMatchObject({
      report: { engine: 'redis', dryRun: true, wouldDelete: { count: 1_200, estimated: false } },
    });
    expect(await server.client.dbsize()).toBe(1_202);
    const { status, json } = await redisApp.call('POST', 'clear', { body: { dryRun: false, confirm: 'default' } });
    expect([status, json]).toMatchObject([200, { report: { stopReason: 'drained', deleted: 1_200 } }]);
    expect((await server.client.keys('*')).sort()).toEqual(['DataProtection-Keys', 'other']);
  });

  it('is refused without a prefix, and says what to do', async () => {
    const bare = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: server.node,
      ALLOW_CLEAR: 'true',
      RECORD_STORE: 'none',
    });
    for (const body of [{}, { dryRun: false, confirm: 'default' }])
      expect(await bare.call('POST', 'clear', { body })).toMatchObject({
        status: 409,
        json: { code: 'instance_name_missing', advice: expect.stringContaining('TOKEN_CACHE_INSTANCE_NAME') },
      });
    await bare.stop();
    expect(await server.client.dbsize()).toBe(1_202);
  });
});
