/** The local host answers as the Azure Functions host does; every expectation here was seen on host 4.1037 itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite } from '../../dev/azurite.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';

let app: FunctionsApp;
beforeAll(async () => {
  app = await startFunctionsApp({ RECORD_STORE: 'none' });
});
afterAll(() => app.stop());

describe('a route', () => {
  it.each([
    'api/openapi.json',
    'api/openapi.json/',
    'API/OpenAPI.JSON',
    'api/%6Fpenapi%2Ejson',
    'api/x/%2e%2e/openapi.json',
  ])('is found at %s', async (path) => {
    const response = await fetch(`${app.url}/${path}`, { headers: { 'x-functions-key': app.functionKey } });
    expect(response.status).toBe(200);
  });

  it.each(['api//openapi.json', 'api/openapi.json/x', 'api', 'api/runs/', 'openapi.json'])(
    'is not the one at %s',
    async (path) => {
      const { status } = await fetch(`${app.url}/${path}`, { headers: { 'x-functions-key': app.functionKey } });
      // The slash at the end counts for nothing, and a parameter is never empty.
      expect(status).toBe(path === 'api/runs/' ? 200 : 404);
    },
  );

  it('does not answer methods that it does not declare, HEAD among them', async () => {
    for (const method of ['HEAD', 'POST', 'OPTIONS']) {
      expect((await fetch(`${app.url}/api/health`, { method })).status, method).toBe(404);
    }
  });
});

describe('the key', () => {
  it('is taken from `code`, in any case, where there is no header', async () => {
    for (const name of ['code', 'Code', 'CODE']) {
      const query = `openapi.json?${name}=${app.functionKey}`;
      expect((await app.call('GET', query, { key: null })).status, name).toBe(200);
      expect((await app.call('GET', query, { key: '' })).status, `${name} beside an empty header`).toBe(401);
      expect((await app.call('GET', query, { key: 'wrong' })).status, `${name} beside a wrong header`).toBe(401);
    }
  });
});

describe('a body', () => {
  it('reaches the function where it is sent with its length alone', async () => {
    const body = new Blob(['{"dryRun":false}']).stream();
    const headers = { 'x-functions-key': app.functionKey, 'content-type': 'application/json' };
    const response = await fetch(`${app.url}/api/purge`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'json_invalid', detail: 'The body is empty.' });
  });

  it('may be far larger than the routes of this app take', async () => {
    const raw = JSON.stringify({ cache: 'x'.repeat(31_000_000) });
    const answer = await app.call('POST', 'purge', { raw, headers: { 'content-type': 'application/json' } });
    expect([answer.status, answer.json.code]).toEqual([413, 'body_too_large']);
  });
});

describe('/admin', () => {
  const admin = (method: string, path: string, { key = app.masterKey, type = 'application/json', body = '{}' } = {}) =>
    fetch(`${app.url}/${path}`, {
      method,
      headers: { 'x-functions-key': key, 'content-type': type },
      ...(method === 'POST' && { body }),
    });

  it('is for the master key alone', async () => {
    for (const [method, path] of [
      ['GET', 'admin/functions'],
      ['GET', 'admin/functions/health'],
      ['GET', 'admin/host/status'],
      ['POST', 'admin/functions/watchRedis'],
    ] as const) {
      const unknown = await admin(method, path, { key: 'wrong' });
      expect([unknown.status, unknown.headers.get('www-authenticate')], path).toEqual([401, 'Bearer']);
      expect((await admin(method, path, { key: app.functionKey })).status, path).toBe(403);
      expect((await admin(method, path)).ok, path).toBe(true);
    }
    expect((await admin('GET', 'admin/host/ping', { key: '' })).status).toBe(200);
  });

  it('lists every function, with its bindings', async () => {
    const listed = (await (await admin('GET', 'admin/functions')).json()) as { name: string; config: object }[];
    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(['purgeExpiredEntries', 'purge', 'run']));
    expect(listed.find(({ name }) => name === 'purge')?.config).toMatchObject({
      bindings: expect.arrayContaining([expect.objectContaining({ type: 'httpTrigger', route: 'purge' })]),
    });
  });

  it.each([
    ['POST', 'admin/functions/WATCHREDIS', {}, 202],
    ['POST', 'ADMIN/Functions/watch%52edis/', {}, 202],
    ['POST', 'admin/functions/watchRedis', { body: '' }, 400],
    ['POST', 'admin/functions/watchRedis', { body: '{' }, 400],
    ['POST', 'admin/functions/watchRedis', { body: '[]' }, 400],
    ['POST', 'admin/functions/watchRedis', { type: 'text/plain' }, 415],
    ['POST', 'admin/functions/nothing', {}, 404],
    ['GET', 'admin/functions/nothing', {}, 404],
    ['HEAD', 'admin/functions/watchRedis', {}, 404],
    ['GET', 'admin/nothing', {}, 404],
    ['GET', 'admin', {}, 404],
  ])('answers %s /%s %o with %i', async (method, path, options, status) => {
    expect((await admin(method, path, options)).status).toBe(status);
  });
});

it('has a page at its root', async () => {
  const response = await fetch(app.url);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html']);
});

it('switches off a function whose setting has dots or single underscores, and no other', async () => {
  const storage = await startAzurite();
  const some = await startFunctionsApp({
    AzureWebJobsStorage: storage.connectionString,
    'AzureWebJobs.runs.Disabled': 'true',
    AzureWebJobs_watchRedis_Disabled: '1',
    AzureWebJobs_openapi_Disabled: 'false',
    AzureWebJobs__purgeExpiredEntries__Disabled: 'true',
  });
  try {
    expect((await some.call('GET', 'runs')).status).toBe(404);
    expect((await some.call('GET', 'openapi.json')).status).toBe(200);
    const { timers } = (await some.call('GET', 'status')).json as { timers: { name: string }[] };
    const names = timers.map(({ name }) => name);
    expect(names).toContain('purgeExpiredEntries');
    expect(names).not.toContain('watchRedis');
  } finally {
    await some.stop();
    await storage.stop();
  }
});
