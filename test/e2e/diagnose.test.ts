/** `token-cache diagnose` and `GET /api/diagnose`, as an operator uses them, on the real PostgreSQL and Azurite. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { run } from '../support/childProcess.ts';
import { entries, userKey } from '../support/diagnosis.ts';
import { createPostgresCache, fillPostgres, postgresTable } from '../support/diagnosisTables.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const script = 'bin/token-cache.js';

beforeEach(async () => {
  await createPostgresCache(database);
  await fillPostgres(database, entries(30));
});

/** A healthy table whose entries slide by 20 minutes: one check fails. */
const breakIt = () => database.query(`update ${postgresTable} set slidingexpirationinseconds = 1200`);

describe('token-cache diagnose', () => {
  let state: string;
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'token-cache-state-'));
    return () => rm(state, { recursive: true });
  });
  const env = () => ({ TOKEN_CACHE_CONNECTION_STRING: database.url, XDG_STATE_HOME: state });

  it('prints a table, and exits with 0 where nothing fails', async () => {
    const { code, stdout, stderr } = await run(script, ['diagnose'], env());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Nothing found: 0 critical, 0 warning, 0 unknown, \d+ pass\n/);
    expect(stdout).toMatch(/pass {2}connection +cache default/);
    // No colours but on a terminal.
    expect(stdout).not.toContain('\u001b');
  });

  it('names the cause with figures, advice and section, and exits with 1', async () => {
    await breakIt();
    const { code, stdout } = await run(script, ['diagnose'], env());
    expect(code).toBe(1);
    expect(stdout).toMatch(/critical {2}entries-sliding-short +cache default/);
    expect(stdout).toContain('(sliding_shorter_than_token)');
    expect(stdout).toContain('DefaultSlidingExpiration');
    expect(stdout).toContain('shortest: 1,200 s');
    expect(stdout).toContain('docs/runbook/sign-ins.md#repeated-sign-in-prompts');
  });

  it('prints one JSON document with --json, which is the record of the run', async () => {
    await breakIt();
    const { code, stdout } = await run(script, ['diagnose', '--json'], env());
    expect(code).toBe(1);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      job: 'diagnose',
      subject: 'all',
      outcome: 'succeeded',
      report: { status: 'critical' },
    });
    expect(result.report.checks[0]).toMatchObject({
      check: 'entries-sliding-short',
      subject: 'cache default',
      status: 'critical',
      cause: 'sliding_shorter_than_token',
      evidence: expect.arrayContaining([{ what: 'shortest', value: 1200, unit: 's' }]),
    });
  });

  it('reads a web app that --app names, without any settings, and looks at nothing else but what is named', async () => {
    const sample = (name: string) => `test/interop/apps/samples/${name}`;
    const alone = await run(script, ['diagnose', '--app', sample('sound-redis-encrypted')], { XDG_STATE_HOME: state });
    expect(alone).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Nothing found: 0 critical, 0 warning, 0 unknown/),
    });
    expect(alone.stdout).not.toMatch(/token-cache-maintenance {2}/);
    const both = await run(
      script,
      ['diagnose', '--app', sample('two-registrations'), '--cache', 'default', '--json'],
      env(),
    );
    expect(both.code).toBe(1);
    const { checks } = JSON.parse(both.stdout).report;
    expect(checks[0]).toMatchObject({ check: 'app-token-cache', cause: 'memory_cache_wins', status: 'critical' });
    expect(checks).toContainEqual(
      expect.objectContaining({ check: 'connection', subject: 'cache default', status: 'pass' }),
    );
    const nowhere = await run(script, ['diagnose', '--app', join(state, 'nowhere')], env());
    expect(nowhere).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^diagnose refused \(app_unreadable\)\. /),
    });
    const unknown = await run(script, ['diagnose', '--cache', 'nope'], env());
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/^diagnose refused \(cache_unknown\)\. /) });
  });

  it('says so where the page cannot be written, and has printed its table', async () => {
    const { code, stdout, stderr } = await run(script, ['diagnose', '--html', join(state, 'nowhere', 'x.html')], env());
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Nothing found/);
    expect(stderr).toMatch(/^The page was not written to .*x\.html \(ENOENT\)/);
    expect(stderr).not.toContain('    at ');
  });

  it('lets no name from the server steer the terminal', async () => {
    await database.query('create function noop() returns trigger language plpgsql as $$ begin return new; end $$');
    await database.query(
      `create trigger "\u001b[31mloud\u0007" before update on ${postgresTable} for each row execute function noop()`,
    );
    const { stdout } = await run(script, ['diagnose'], env());
    await database.query('drop function noop cascade');
    expect(stdout).toContain('loud');
    for (const control of ['\u001b', '\u0007']) expect(stdout).not.toContain(control);
  });

  it('writes a page with --html', async () => {
    const file = join(state, 'diagnosis.html');
    const { code } = await run(script, ['diagnose', '--html', file], env());
    expect(code).toBe(0);
    const page = await readFile(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('Nothing found');
    expect(page).not.toMatch(/https?:\/\//);
  });

  it('shows keys with --show-keys alone', async () => {
    const key = userKey();
    await fillPostgres(
      database,
      entries(1, () => ({ key, value: Buffer.from('{"AccessToken":{"cut') })),
    );
    expect((await run(script, ['diagnose'], env())).stdout).not.toContain(key);
    expect((await run(script, ['diagnose', '--show-keys'], env())).stdout).toContain(key);
  });

  it('can be narrowed, says what is wrong with settings, and refuses unknown names', async () => {
    const narrowed = await run(script, ['diagnose', '--cache', 'default', '--json'], env());
    expect(JSON.parse(narrowed.stdout)).toMatchObject({ subject: 'default' });
    const unknown = await run(script, ['diagnose', '--cache', 'other'], env());
    expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('No usable cache is named other'),
    });
    const wrong = await run(script, ['diagnose'], { ...env(), PURGE_BATCH_TARGET: 'soon' });
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/critical {2}settings/);
  });
});

describe('GET /api/diagnose', () => {
  let storage: LocalStorage;
  let app: FunctionsApp;
  beforeAll(async () => {
    storage = await startAzurite();
    app = await startFunctionsApp({
      AzureWebJobsStorage: storage.connectionString,
      TOKEN_CACHE_CONNECTION_STRING: database.url,
    });
  });
  afterAll(async () => {
    await app.stop();
    await storage.stop();
  });

  it('answers with the run, and keeps its record', async () => {
    await breakIt();
    const { status, json, headers } = await app.call('GET', 'diagnose');
    expect([status, headers.get('content-type'), headers.get('cache-control'), headers.get('vary')]).toEqual([
      200,
      'application/json',
      'no-store',
      'Accept',
    ]);
    expect(json).toMatchObject({
      job: 'diagnose',
      trigger: 'http',
      requestedBy: { by: 'function key' },
      report: { status: 'critical', counts: { critical: 1 } },
    });
    const { json: runs } = await app.call('GET', 'runs?job=diagnose&limit=1');
    expect(runs).toMatchObject({ runs: [{ runId: json.runId }] });
  });

  it('is a page for browsers, with strict headers, or by format=html', async () => {
    for (const options of [{ headers: { accept: 'text/html' } }, { path: 'diagnose?format=html' }]) {
      const { path = 'diagnose', ...rest } = options as { path?: string; headers?: Record<string, string> };
      const { status, headers, text } = await app.call('GET', path, rest);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      for (const element of ['script', 'style']) {
        const content = new RegExp(`<${element}>([^]*?)</${element}>`).exec(text)?.[1] ?? '';
        expect(policy).toContain(`'sha256-${createHash('sha256').update(content).digest('base64')}'`);
      }
      expect([headers.get('referrer-policy'), headers.get('x-content-type-options')]).toEqual([
        'no-referrer',
        'nosniff',
      ]);
      expect(text).toContain('Diagnosis of the token caches');
      expect(text).not.toMatch(/ style="| on[a-z]+="/);
    }
    expect(
      (await app.call('GET', 'diagnose?format=json', { headers: { accept: 'text/html' } })).headers.get('content-type'),
    ).toBe('application/json');
  });

  it('needs the function key, and takes no other parameter', async () => {
    expect((await app.call('GET', 'diagnose', { key: null })).status).toBe(401);
    expect((await app.call('GET', 'diagnose?showKeys=true')).status).toBe(400);
    expect((await app.call('GET', 'diagnose?format=xml')).status).toBe(400);
    expect((await app.call('GET', 'diagnose', { headers: { accept: 'image/png' } })).status).toBe(406);
    const { status, json } = await app.call('GET', 'diagnose?cache=other');
    expect([status, json.code]).toEqual([404, 'cache_unknown']);
  });

  it('needs the app role where Easy Auth is on', async () => {
    const secured = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      WEBSITE_AUTH_ENABLED: 'True',
      RECORD_STORE: 'none',
    });
    const principal = (role: string) => ({
      headers: {
        'x-ms-client-principal': Buffer.from(JSON.stringify({ claims: [{ typ: 'roles', val: role }] })).toString(
          'base64',
        ),
      },
    });
    expect((await secured.call('GET', 'diagnose', principal('Other'))).status).toBe(403);
    expect((await secured.call('GET', 'diagnose', principal('TokenCache.Reader'))).status).toBe(200);
    await secured.stop();
  });

  it('is described in OpenAPI', async () => {
    const { json } = await app.call('GET', 'openapi.json');
    expect(json).toMatchObject({
      paths: {
        '/diagnose': { get: { responses: { '200': { content: { 'text/html': {}, 'application/json': {} } } } } },
      },
    });
  });
});
