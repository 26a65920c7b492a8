/** `GET /api/status` of the built functions: as JSON or as a page, on the real PostgreSQL and Azurite. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import type { Finding } from '../../src/lib/findings/finding.ts';
import { packageVersion } from '../../src/lib/version.ts';
import { run } from '../support/childProcess.ts';
import { hasChromium, startChromium } from '../support/chromium.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const hour = 3_600_000;
const page = { accept: 'text/html' };

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
beforeEach(async () => {
  const table = await engine.create(engine.ordinaryName);
  await table.insert([
    { id: 'expired', expiresInMs: -hour },
    { id: 'alive', expiresInMs: hour },
  ]);
});
afterEach(() => engine.drop(engine.ordinaryName));

describe('GET /api/status', () => {
  const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
  it.each([
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/*', 'application/json'],
    ['text/html;q=0.4, application/json;q=0.5', 'application/json'],
    ['application/json, text/plain, */*', 'application/json'],
    ['application/json, text/html', 'application/json'],
    ['*/*, text/html;q=0.9', 'application/json'],
    ['text/html', 'text/html; charset=utf-8'],
    ['TEXT/HTML', 'text/html; charset=utf-8'],
    ['text/html, application/json', 'text/html; charset=utf-8'],
    ['text/*', 'text/html; charset=utf-8'],
    ['text/html, application/json;q=0.9', 'text/html; charset=utf-8'],
    ['application/json;q=0, */*', 'text/html; charset=utf-8'],
    [browserAccept, 'text/html; charset=utf-8'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const { status, headers } = await app.call('GET', 'status', { headers: { accept } });
    expect([status, headers.get('content-type'), headers.get('vary')]).toEqual([200, type, 'Accept']);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it.each(['image/png', 'text/plain', 'text/html;q=0', 'application/problem+json', ',;,', '<script>'])(
    'refuses Accept: %s',
    async (accept) => {
      const { status, headers, json } = await app.call('GET', 'status', { headers: { accept } });
      expect([status, json.code, headers.get('vary')]).toEqual([406, 'not_acceptable', 'Accept']);
    },
  );

  it('gives the page headers that let in its own script and style alone', async () => {
    const { headers, text } = await app.call('GET', 'status', { headers: page });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    // No address of another place, but for the licence in a comment and the names of XML's own.
    expect(text.match(/(src|href|action)="(?!data:image)[^"]*"|@import|url\(/g)).toBeNull();
    expect(text.match(/<script/g)).toHaveLength(2);
    expect(text).not.toMatch(/ (style|on[a-z]+)=/);
  });

  it('names the version, and when the deployed code was built', async () => {
    const { json } = await app.call('GET', 'status');
    expect(json).toMatchObject({ version: packageVersion(), deployment: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
    const { text } = await app.call('GET', 'status', { headers: page });
    expect(/<footer>.*<\/footer>/.exec(text)?.[0]).toContain(
      `Version ${packageVersion()}, built <time datetime="${json.deployment}">`,
    );
  });

  it('needs the key for the page too, takes it from the address, and shows it nowhere', async () => {
    expect((await app.call('GET', 'status', { headers: page, key: null })).status).toBe(401);
    const { status, text } = await app.call('GET', `status?code=${app.functionKey}`, { headers: page, key: null });
    expect(status).toBe(200);
    expect(text).not.toContain(app.functionKey);
  });

  it('shows what the runs of the timers and of a caller have recorded', async () => {
    for (const timer of ['recordCacheCounts', 'purgeExpiredEntries']) {
      await fetch(`${app.url}/admin/functions/${timer}`, {
        method: 'POST',
        headers: { 'x-functions-key': app.masterKey, 'content-type': 'application/json' },
        body: '{}',
      });
    }
    await expect.poll(async () => (await app.call('GET', 'runs')).json.runs, { timeout: 20_000 }).toHaveLength(2);
    await app.call('POST', 'purge', { body: { dryRun: false } });
    const { text } = await app.call('GET', 'status', { headers: page });
    expect(text).toMatch(/<h2 id="state" class="ok">All is well/);
    expect(text).toMatch(/Active entries<\/dt><dd>1</);
    expect(text).toMatch(/<strong>purge default<\/strong> <span class="quiet">by http, function key from /);
    expect(text).toMatch(/<span class="reason">drained<\/span>/);
  });

  it('has the same findings as JSON, as a page and in the terminal', async () => {
    await engine.drop(engine.ordinaryName);
    expect((await app.call('POST', 'purge', { body: { dryRun: false } })).status).toBe(502);
    const cli = (...args: string[]) =>
      run('bin/token-cache.js', ['status', ...args], {
        AzureWebJobsStorage: storage.connectionString,
        RECORD_STORE: 'table',
        TOKEN_CACHE_CONNECTION_STRING: database.url,
      });
    const status = (await app.call('GET', 'status')).json;
    const findings = status.findings as Finding[];
    expect(findings).toMatchObject([{ check: 'job-failures', level: 'warning', subject: 'cache default' }]);
    const [table, json] = [await cli(), await cli('--json')];
    expect([table.code, json.code]).toEqual([0, 0]);
    // The timers' lateness goes on, and the terminal knows no deployment.
    const content = JSON.parse(json.stdout) as typeof status;
    expect(content).toEqual({ ...status, deployment: null, at: content.at, timers: content.timers });
    const { text } = await app.call('GET', 'status', { headers: page });
    for (const { check, subject, what } of findings)
      for (const rendered of [text, table.stdout])
        for (const part of [check, subject, what.split(' "')[0] ?? what]) expect(rendered).toContain(part);
    await engine.create(engine.ordinaryName);
    await app.call('POST', 'purge', { body: { dryRun: false } });
    expect((await app.call('GET', 'status')).json.findings).toEqual([]);
  });

  it('is 1 as the exit code of the terminal where a finding is critical', async () => {
    const { code, stdout } = await run('bin/token-cache.js', ['status'], {
      RECORD_STORE: 'none',
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      PURGE_GRACE: 'soon',
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Health is failing, 2 findings.*critical +settings .*PURGE_GRACE/s);
  });

  it('describes both types in openapi.json', async () => {
    const { json } = await app.call('GET', 'openapi.json');
    expect(json).toMatchObject({
      paths: {
        '/status': {
          get: { responses: { '200': { content: { 'application/json': {}, 'text/html': {} } }, '406': {} } },
        },
      },
    });
  });

  it('says on the page that the storage cannot be read, and answers JSON all the same', async () => {
    const cut = await startFunctionsApp({
      AzureWebJobsStorage: storage.connectionString.replace(
        /TableEndpoint=[^;]+/,
        'TableEndpoint=http://127.0.0.1:1/x',
      ),
      TOKEN_CACHE_CONNECTION_STRING: database.url,
    });
    const { status, text } = await cut.call('GET', 'status', { headers: page });
    expect(status).toBe(200);
    expect(text).toContain('Look now');
    expect(text).toContain('The record store cannot be read');
    expect((await cut.call('GET', 'status')).json).toMatchObject({
      status: 'failing',
      findings: expect.arrayContaining([expect.objectContaining({ check: 'records-unreadable', level: 'critical' })]),
      subjects: [{ name: 'default', kind: 'sqlCache', running: null, lastRuns: { purge: null } }],
    });
    await cut.stop();
  });

  it('names the wrong setting on the page, and not its value', async () => {
    const wrong = await startFunctionsApp({
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      RECORD_STORE: 'none',
      PURGE_GRACE: '<script>alert(1)</script>',
    });
    const { text } = await wrong.call('GET', 'status', { headers: page });
    expect(text).toContain('PURGE_GRACE must be an ISO 8601 duration');
    expect(text).not.toContain('alert(1)');
    await wrong.stop();
  });
});

describe.skipIf(!hasChromium())('GET /api/status in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());

  it('opens with the key in the address, and is read anew without it there', async () => {
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    const answer = await tab.goto(`${app.url}/api/status?code=${app.functionKey}`);
    expect(answer?.headers()['content-type']).toBe('text/html; charset=utf-8');
    expect(tab.url()).toBe(`${app.url}/api/status`);
    const reading = tab.waitForResponse(`${app.url}/api/status`);
    await tab.getByRole('button', { name: 'Reload' }).click();
    expect((await reading).status()).toBe(200);
    expect(await tab.locator('#reading-text').textContent()).toBe('');
    expect(complaints).toEqual([]);
    await tab.close();
  });
});
