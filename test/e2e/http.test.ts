/** The HTTP functions, built and behind the local host, on the real PostgreSQL and Azurite. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../local/azurite.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;

let storage: LocalStorage;
let app: FunctionsApp;
let table: TestTable;

beforeAll(async () => {
  storage = await startAzurite();
  app = await startFunctionsApp({
    AzureWebJobsStorage: storage.connectionString,
    TOKEN_CACHE_CONNECTION_STRING: database.url,
    PURGE_BATCH_TARGET: 'PT0.05S',
    PURGE_PAUSE_RATIO: '0',
  });
});
afterAll(async () => {
  await app.stop();
  await storage.stop();
});
beforeEach(async () => {
  table = await engine.create(engine.ordinaryName);
  await table.insert([
    ...Array.from({ length: 1_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
    { id: 'alive', expiresInMs: hour },
  ]);
});
afterEach(() => engine.drop(engine.ordinaryName));

describe('POST /api/purge', () => {
  it('is a dry run unless told otherwise', async () => {
    for (const body of [{}, { dryRun: true }, { cache: 'default' }]) {
      const { status, json } = await app.call('POST', 'purge', { body });
      expect(status).toBe(200);
      expect(json).toMatchObject({
        job: 'purge',
        trigger: 'http',
        report: { dryRun: true, wouldDelete: { count: 1_000 } },
      });
    }
    expect(await table.ids()).toHaveLength(1_001);
  });

  it('deletes when told so, and leaves a record of who asked', async () => {
    const headers = {
      'x-forwarded-for': '1.2.3.4, 198.51.100.7:5123',
      'x-ms-client-principal': forgedPrincipal('TokenCache.Operator'),
    };
    const { status, json } = await app.call('POST', 'purge', { body: { dryRun: false }, headers });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      outcome: 'succeeded',
      report: { stopReason: 'drained', deleted: 1_000, expiredRemaining: { count: 0 } },
    });
    // Without Easy Auth a principal is a forgery: the key is all that is known.
    expect(json.requestedBy).toEqual({ by: 'function key', from: '198.51.100.7:5123' });
    expect((await app.call('GET', `runs/${json.runId}`)).json).toEqual(json);
    expect(await table.ids()).toEqual(['alive']);
  });

  it('limits the run as asked', async () => {
    const body = { dryRun: false, maxRows: 10, olderThan: 'PT1H', timeBudget: 'PT10S' };
    expect((await app.call('POST', 'purge', { body })).json).toMatchObject({
      report: { stopReason: 'rowLimit', deleted: 10 },
    });
  });

  it('runs once when posted twenty times at once; the others are told of that run', async () => {
    const unlock = await table.lock(['e1']);
    await database.query('create index by_expiry on public.tokencache (expiresattime)');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.call('POST', 'purge', { body: { dryRun: false } })),
    );
    await unlock();
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    for (const { json } of answers.filter(({ status }) => status === 409))
      expect(json).toMatchObject({ code: 'run_in_progress', status: 409 });
    const again = await app.call('POST', 'purge', { body: { dryRun: false } });
    expect(again.json).toMatchObject({ report: { stopReason: 'drained' } });
    expect(await table.ids()).toEqual(['alive']);
  });

  it('tells a second caller of the run that holds the table, and never refuses a dry run', async () => {
    const cache = table.open();
    const held = await cache.tryLock('purge');
    expect(await app.call('POST', 'purge', { body: { dryRun: false } })).toMatchObject({
      status: 409,
      json: { code: 'run_in_progress' },
    });
    expect((await app.call('POST', 'purge', { body: {} })).status).toBe(200);
    await held?.release();
    await cache.close();
  });

  it('answers a failed run with its code and what to do', async () => {
    await database.query('drop table public.tokencache');
    const { status, json, headers } = await app.call('POST', 'purge', { body: { dryRun: false } });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect([status, json]).toMatchObject([
      502,
      { code: 'table_missing', advice: expect.stringContaining('TOKEN_CACHE_TABLE'), runId: expect.any(String) },
    ]);
    expect((await app.call('GET', `runs/${json.runId}`)).json).toMatchObject({
      outcome: 'failed',
      error: { code: 'table_missing' },
    });
  });

  it('goes on when its client disconnects', async () => {
    const client = new AbortController();
    const request = fetch(`${app.url}/api/purge`, {
      method: 'POST',
      headers: { 'x-functions-key': app.functionKey, 'content-type': 'application/json' },
      body: JSON.stringify({ dryRun: false }),
      signal: client.signal,
    }).catch(() => 'gone');
    setTimeout(() => client.abort(), 20);
    await request;
    await expect.poll(() => table.ids(), { timeout: 20_000 }).toEqual(['alive']);
    await expect
      .poll(async () => (await app.call('GET', 'runs?job=purge&limit=1')).json, { timeout: 10_000 })
      .toMatchObject({ runs: [{ outcome: 'succeeded' }] });
  });
});

function forgedPrincipal(role: string): string {
  return Buffer.from(
    JSON.stringify({
      claims: [
        { typ: 'roles', val: role },
        { typ: 'preferred_username', val: 'mallory@example.com' },
      ],
    }),
  ).toString('base64');
}

describe('bad requests', () => {
  const json = { 'content-type': 'application/json' };
  const purge = (
    status: number,
    code: string | undefined,
    raw: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = json,
  ) => ['POST', 'purge', { raw, headers }, status, code] as const;
  const field = (body: object) => purge(400, 'request_invalid', JSON.stringify(body));
  const get = (path: string, status: number, code?: string) => ['GET', path, {}, status, code] as const;
  it.each([
    // Fields: types, ranges, unknown ones.
    field({ dryRun: 'false' }),
    field({ dryRun: 0 }),
    field({ dryRun: null }),
    field({ cache: 7 }),
    field({ cache: '' }),
    field({ cache: 'Default' }),
    field({ cache: '../default' }),
    field({ cache: "d'; drop table x; --" }),
    field({ cache: 'x'.repeat(41) }),
    field({ cache: ['default'] }),
    field({ olderThan: -1 }),
    field({ olderThan: '-PT1H' }),
    field({ olderThan: '1 hour' }),
    field({ olderThan: 'P1M' }),
    field({ olderThan: 'P99999D' }),
    field({ olderThan: '' }),
    field({ maxRows: 0 }),
    field({ maxRows: -5 }),
    field({ maxRows: 1.5 }),
    field({ maxRows: '10' }),
    field({ maxRows: 1e300 }),
    field({ timeBudget: 'PT151S' }),
    field({ timeBudget: 'PT0S' }),
    field({ timeBudget: 'P1D' }),
    field({ timeBudget: 60 }),
    field({ timeBudget: '-PT5S' }),
    field({ confirm: 'default' }),
    field({ DryRun: false }),
    field({ dryrun: false }),
    field({ force: true }),
    field({ dryRun: false, dryRunn: true }),
    purge(400, 'request_invalid', '{"__proto__": {"dryRun": false}}'),
    field({ constructor: {} }),
    field([]),
    purge(400, 'request_invalid', 'null'),
    purge(400, 'request_invalid', '"purge"'),
    purge(400, 'request_invalid', '42'),
    purge(400, 'request_invalid', 'true'),
    // Bodies.
    purge(400, 'json_invalid', ''),
    purge(400, 'json_invalid', '{'),
    purge(400, 'json_invalid', '{"dryRun": false,}'),
    purge(400, 'json_invalid', "{'dryRun': false}"),
    purge(400, 'json_invalid', 'NaN'),
    purge(400, 'json_invalid', '{}{}'),
    purge(400, 'json_invalid', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])),
    purge(400, 'json_invalid', '['.repeat(8_000)),
    purge(413, 'body_too_large', JSON.stringify({ cache: 'x'.repeat(17_000) })),
    purge(413, 'body_too_large', ' '.repeat(2_000_000)),
    // Content types.
    purge(415, 'content_type_unsupported', '{}', {}),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'text/plain' }),
    purge(415, 'content_type_unsupported', 'dryRun=false', { 'content-type': 'application/x-www-form-urlencoded' }),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'application/jsonp' }),
    purge(415, 'content_type_unsupported', '{}', { 'content-type': 'multipart/form-data; boundary=application/json' }),
    // Caches.
    purge(404, 'cache_unknown', '{"cache":"other"}'),
    // Methods: the host knows none but those declared.
    ['GET', 'purge', {}, 404, undefined],
    ['PUT', 'purge', { raw: '{}', headers: json }, 404, undefined],
    ['DELETE', 'purge', {}, 404, undefined],
    ['POST', 'status', { raw: '{}', headers: json }, 404, undefined],
    ['POST', 'health', { raw: '{}', headers: json }, 404, undefined],
    ['DELETE', 'runs', {}, 404, undefined],
    // Queries and paths.
    ['POST', 'purge?dryRun=false', { raw: '{}', headers: json }, 400, 'request_invalid'],
    get('status?x=1', 400, 'request_invalid'),
    get('runs?limit=0', 400, 'request_invalid'),
    get('runs?limit=101', 400, 'request_invalid'),
    get('runs?limit=abc', 400, 'request_invalid'),
    get('runs?job=rotate', 400, 'request_invalid'),
    get('runs?cache=A', 400, 'request_invalid'),
    get('runs?limit=1&limit=2', 400, 'request_invalid'),
    get('runs?sort=asc', 400, 'request_invalid'),
    get('runs/nonsense', 404, 'run_unknown'),
    get('runs/purge.default.00000000000deadbeef', 404, 'run_unknown'),
    get('runs/..%2f..%2fetc%2fpasswd', 404, 'run_unknown'),
    get("runs/'%20or%20'1'%20eq%20'1", 404, 'run_unknown'),
    get('runs/%00', 400),
    get('runs/%zz', 404, 'run_unknown'),
    get('runs/a/b', 404),
    get('nothing', 404),
    get('../admin/functions/purge', 403),
  ] as [
    'GET' | 'POST',
    string,
    { raw?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> },
    number,
    string | undefined,
  ][])('%s %s %o gets %i %s', async (method, path, options, status, code) => {
    const answer = await app.call(method, path, options);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    if (code) {
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.json).toMatchObject({
        status,
        title: expect.any(String),
        detail: expect.any(String),
        advice: expect.any(String),
      });
    }
    expect(await table.ids()).toHaveLength(1_001);
  });
});

describe('keys and roles', () => {
  const guarded = [
    ['POST', 'purge'],
    ['GET', 'status'],
    ['GET', 'runs'],
    ['GET', 'runs/x'],
    ['GET', 'openapi.json'],
  ] as const;
  it.each(guarded)('%s %s needs the function key', async (method, path) => {
    for (const key of [null, '', 'wrong', `${app.functionKey}x`]) {
      const options = { key, ...(method === 'POST' && { body: {} }) };
      expect((await app.call(method, path, options)).status).toBe(401);
    }
  });

  it('takes the key from the address too, and keeps it out of records and logs', async () => {
    const { status, json } = await app.call('POST', `purge?code=${app.functionKey}`, { body: {}, key: null });
    expect(status).toBe(200);
    expect(JSON.stringify(json) + app.log()).not.toContain(app.functionKey);
  });

  it('go by the app roles where Easy Auth is on', async () => {
    const secured = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      WEBSITE_AUTH_ENABLED: 'True',
      RECORD_STORE: 'none',
    });
    const as = (role: string | undefined) =>
      role === undefined ? {} : { headers: { 'x-ms-client-principal': forgedPrincipal(role) } };
    for (const [role, looks, changes] of [
      [undefined, 403, 403],
      ['Other', 403, 403],
      ['TokenCache.Reader', 200, 403],
      ['TokenCache.Operator', 200, 200],
    ] as const) {
      expect((await secured.call('GET', 'status', as(role))).status, `${role} looks`).toBe(looks);
      expect((await secured.call('POST', 'purge', { body: {}, ...as(role) })).status, `${role} changes`).toBe(changes);
    }
    const { json } = await secured.call('POST', 'purge', { body: {}, ...as('TokenCache.Operator') });
    expect(json.requestedBy).toMatchObject({ by: 'mallory@example.com' });
    expect((await secured.call('GET', 'health', { key: null })).status).toBe(200);
    await secured.stop();
  });
});

describe('status, runs and health', () => {
  it('tell of the last run of each job', async () => {
    const { runId } = (await app.call('POST', 'purge', { body: { dryRun: false } })).json;
    const status = (await app.call('GET', 'status')).json;
    expect(status).toMatchObject({
      caches: [
        {
          name: 'default',
          engine: 'postgres',
          running: null,
          lastRuns: { purge: { runId, report: { deleted: 1_000 } } },
        },
      ],
    });
    const { runs } = (await app.call('GET', 'runs?limit=3')).json as { runs: { startedAt: string; runId: string }[] };
    expect(runs[0]?.runId).toBe(runId);
    expect(runs.map(({ startedAt }) => startedAt)).toEqual(
      runs
        .map(({ startedAt }) => startedAt)
        .sort()
        .reverse(),
    );
  });

  it('let anyone ask for health, and tell nothing else', async () => {
    const { status, json, headers } = await app.call('GET', 'health', { key: null });
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['lateness', 'status']);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('are failing where the settings are wrong', async () => {
    const wrong = await startFunctionsApp({ RECORD_STORE: 'none' });
    expect(await wrong.call('GET', 'health', { key: null })).toMatchObject({
      status: 503,
      json: { status: 'failing' },
    });
    expect((await wrong.call('POST', 'purge', { body: {} })).json).toMatchObject({ code: 'cache_required' });
    await wrong.stop();
  });

  it('are failing where the storage cannot be read', async () => {
    const cut = await startFunctionsApp({
      AzureWebJobsStorage: storage.connectionString.replace(
        /TableEndpoint=[^;]+/,
        'TableEndpoint=http://127.0.0.1:1/x',
      ),
      TOKEN_CACHE_CONNECTION_STRING: database.url,
    });
    expect(await cut.call('GET', 'health', { key: null })).toMatchObject({ status: 503, json: { status: 'failing' } });
    expect((await cut.call('POST', 'purge', { body: { dryRun: false } })).json).toMatchObject({
      report: { stopReason: 'drained' },
    });
    await cut.stop();
  });

  it('describe themselves in OpenAPI 3.1', async () => {
    const { json } = await app.call('GET', 'openapi.json');
    expect(json).toMatchObject({ openapi: '3.1.0', paths: { '/purge': { post: {} }, '/health': { get: {} } } });
    const { components } = json as {
      components: { schemas: Record<string, { properties: Record<string, object>; additionalProperties?: boolean }> };
    };
    expect(components.schemas.PurgeRequest).toMatchObject({
      additionalProperties: false,
      properties: { dryRun: { type: 'boolean', default: true } },
    });
  });

  it('fire a timer at once for the master key alone', async () => {
    const admin = (key: string) =>
      fetch(`${app.url}/admin/functions/recordCacheCounts`, {
        method: 'POST',
        headers: { 'x-functions-key': key, 'content-type': 'application/json' },
        body: '{}',
      });
    expect((await admin('wrong')).status).toBe(401);
    expect((await admin(app.functionKey)).status).toBe(403);
    expect((await admin(app.masterKey)).status).toBe(202);
    await expect
      .poll(async () => (await app.call('GET', 'runs?job=counts&limit=1')).json, { timeout: 10_000 })
      .toMatchObject({ runs: [{ trigger: 'timer', report: { entries: { count: 1_001 } } }] });
    const { timers } = (await app.call('GET', 'status')).json as {
      timers: { name: string; lastStart: string | null }[];
    };
    expect(timers.find(({ name }) => name === 'recordCacheCounts')?.lastStart).toEqual(expect.any(String));
  });
});
