/** Status, runs, health and the description, over HTTP. */
import { describe, expect, it } from 'vitest';
import { startFunctionsApp } from '../support/functionsApp.ts';
import { useHttpApp } from '../support/httpApp.ts';

const { app, database, storage } = useHttpApp();

describe('status, runs and health', () => {
  it('tell of the last run of each job', async () => {
    const { runId } = (await app().call('POST', 'purge', { body: { dryRun: false } })).json;
    const status = (await app().call('GET', 'status')).json;
    expect(status).toMatchObject({
      status: 'ok',
      findings: [],
      subjects: [
        {
          name: 'default',
          kind: 'sqlCache',
          running: null,
          lastRuns: { purge: { runId, subject: 'default', report: { deleted: 1_000 } }, counts: null },
        },
      ],
    });
    const { runs } = (await app().call('GET', 'runs?limit=3')).json as { runs: { startedAt: string; runId: string }[] };
    expect(runs[0]?.runId).toBe(runId);
    expect(runs.map(({ startedAt }) => startedAt)).toEqual(
      runs
        .map(({ startedAt }) => startedAt)
        .sort()
        .reverse(),
    );
  });

  it('let anyone ask for health, and tell nothing else', async () => {
    const { status, json, headers } = await app().call('GET', 'health', { key: null });
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['lateness', 'status']);
    expect(headers.get('cache-control')).toBe('no-store');
    for (const query of ['x=1', 'x=1&x=2', 'cache=nope'])
      expect((await app().call('GET', `health?${query}`, { key: null })).status, query).toBe(200);
  });

  it('are failing where the settings are wrong', async () => {
    const wrong = await startFunctionsApp({ RECORD_STORE: 'none' });
    expect(await wrong.call('GET', 'health', { key: null })).toMatchObject({
      status: 503,
      json: { status: 'failing' },
    });
    expect(await wrong.call('POST', 'purge', { body: {} })).toMatchObject({
      status: 503,
      json: { code: 'settings_invalid', detail: expect.stringContaining('TOKEN_CACHE_CONNECTION_STRING') },
    });
    expect((await wrong.call('GET', 'status')).json).toMatchObject({
      findings: [
        { check: 'settings', level: 'critical', what: expect.stringContaining('TOKEN_CACHE_CONNECTION_STRING') },
        { check: 'records-off', level: 'info' },
      ],
    });
    await wrong.stop();
  });

  it('are failing where the storage cannot be read', async () => {
    const cut = await startFunctionsApp({
      AzureWebJobsStorage: storage().connectionString.replace(
        /TableEndpoint=[^;]+/,
        'TableEndpoint=http://127.0.0.1:1/x',
      ),
      TOKEN_CACHE_CONNECTION_STRING: database.url,
    });
    expect(await cut.call('GET', 'health', { key: null })).toMatchObject({ status: 503, json: { status: 'failing' } });
    expect((await cut.call('POST', 'purge', { body: { dryRun: false } })).json).toMatchObject({
      report: { stopReason: 'drained' },
    });
    for (const path of ['runs', 'runs/purge.default.0000000000000000000']) {
      const { status, json } = await cut.call('GET', path);
      expect([status, json.code]).toEqual([503, 'records_unavailable']);
    }
    await cut.stop();
  });

  it('describe themselves in OpenAPI 3.1', async () => {
    const { json } = await app().call('GET', 'openapi.json');
    expect(json).toMatchObject({ openapi: '3.1.0', paths: { '/purge': { post: {} }, '/health': { get: {} } } });
    const { components } = json as {
      components: { schemas: Record<string, { properties: Record<string, object>; additionalProperties?: boolean }> };
    };
    expect(components.schemas.PurgeRequest).toMatchObject({
      additionalProperties: false,
      properties: { dryRun: { type: 'boolean', default: true } },
    });
  });

  it('tell of a change at once, though many readers share one copy', async () => {
    await Promise.all(Array.from({ length: 20 }, () => app().call('GET', 'status')));
    const { json } = await app().call('POST', 'purge', { body: {} });
    const { subjects } = (await app().call('GET', 'status')).json as { subjects: { lastRuns: { purge: object } }[] };
    expect(subjects[0]?.lastRuns.purge).toMatchObject({ runId: json.runId });
  });

  it('fire a timer at once for the master key alone', async () => {
    const admin = (key: string) =>
      fetch(`${app().url}/admin/functions/recordCacheCounts`, {
        method: 'POST',
        headers: { 'x-functions-key': key, 'content-type': 'application/json' },
        body: '{}',
      });
    expect((await admin('wrong')).status).toBe(401);
    expect((await admin(app().functionKey)).status).toBe(403);
    expect((await admin(app().masterKey)).status).toBe(202);
    await expect
      .poll(async () => (await app().call('GET', 'runs?job=counts&limit=1')).json, { timeout: 10_000 })
      .toMatchObject({ runs: [{ trigger: 'timer', report: { entries: { count: 1_001 } } }] });
    const { timers } = (await app().call('GET', 'status')).json as {
      timers: { name: string; lastStart: string | null }[];
    };
    expect(timers.find(({ name }) => name === 'recordCacheCounts')?.lastStart).toEqual(expect.any(String));
  });
});
