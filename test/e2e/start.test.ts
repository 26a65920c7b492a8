/** `npm start` and `npm run func`, as a new user tries them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root, run, start } from '../support/childProcess.ts';
import { redisFound } from '../support/redisServer.ts';

describe('npm start', () => {
  let temporary: string;
  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'token-cache-start-'));
    await chmod(temporary, 0o755);
  });
  afterEach(() => rm(temporary, { recursive: true }));

  it('runs the main job on an embedded database, shows before and after, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await run('dev/start.ts', ['--once', '--entries', '3000'], {
      TMPDIR: temporary,
    });
    expect(stderr).toContain('expiry index created');
    expect(code).toBe(0);
    expect(stdout).toMatch(/entries\s+3,000\s/);
    expect(stdout).toMatch(/expired\s+2,\d{3}\s+0\s/);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('leaves nothing behind on Ctrl-C', async () => {
    const { child, finished } = start('dev/start.ts', ['--entries', '500000'], { TMPDIR: temporary });
    const writing = new Promise<void>((resolve) =>
      child.stderr?.on('data', (chunk) => String(chunk).includes('Writing') && resolve()),
    );
    const ended = finished.then(({ stderr }) => Promise.reject(new Error(`It ended before it wrote: ${stderr}`)));
    await Promise.race([writing, ended]);
    ended.catch(() => undefined);
    child.kill('SIGINT');
    expect((await finished).code).not.toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it.each([
    ['--entries', 'many'],
    ['--entries', '0'],
    ['--port', '65536'],
    ['--port', 'x'],
    ['--scenario', 'nope'],
    ['--what'],
    ['surplus'],
  ])('explains itself when given %s %s', async (...args) => {
    const { code, stderr } = await run(
      'dev/start.ts',
      args.filter((arg) => arg !== undefined),
    );
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: npm start');
  });

  it('serves the deployed functions, with their timers, until Ctrl-C, and leaves nothing behind', async () => {
    const app = await startServing({ TMPDIR: temporary });
    const page = await fetch(app.statusPage, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await fetch(app.statusPage.replace(/code=.*/, 'code=wrong'))).status).toBe(401);
    expect(await (await fetch(`${app.url}/api/health`)).json()).toMatchObject({ status: 'ok' });

    // On their schedule, again and again: the load gives the counts something to count.
    await expect.poll(async () => (await app.runs('counts', 'web')).length).toBeGreaterThan(2);
    const [last, ...earlier] = await app.runs('counts', 'web');
    expect(last).toMatchObject({ trigger: 'timer', outcome: 'succeeded' });
    expect(activeEntries(last)).toBeGreaterThan(activeEntries(earlier.at(-1)));
    const kept = redisFound ? [['redis', 'api']] : [];
    for (const [job = '', cache = ''] of [...kept, ['rotateKeyRing', 'web'], ['purge', 'web'], ['index', 'web']]) {
      await expect.poll(async () => (await app.runs(job, cache))[0]).toMatchObject({ outcome: 'succeeded' });
    }
    const [watch] = redisFound ? await app.runs('redis', 'api') : [];
    if (watch) expect(watch).toMatchObject({ report: { nodes: [{ up: true }] } });

    // At once, with the master key alone, as on the real host.
    const fire = `${app.url}/admin/functions/ensureExpiryIndex`;
    const headers = { 'content-type': 'application/json', 'x-functions-key': app.masterKey };
    expect((await fetch(fire, { method: 'POST', body: '{}' })).status).toBe(401);
    expect((await fetch(fire, { method: 'POST', body: '{}', headers })).status).toBe(202);
    await expect.poll(async () => (await app.runs('index', 'web')).length).toBe(2);

    // Its entries are as Microsoft.Identity.Web makes them, under its own ring.
    const ofEntries = (await app.checks()).filter(({ check }) => /^(entries|encryption)-/.test(check));
    expect(ofEntries.map(({ status }) => status)).not.toEqual([]);
    expect(ofEntries.filter(({ status }) => status !== 'pass')).toEqual([]);

    expect(await processesBelow(temporary)).not.toEqual([]);
    app.child.kill('SIGINT');
    const { code, stderr } = await app.finished;
    expect(code, stderr).toBe(0);
    expect(stderr).not.toMatch(/error|failed/i);
    expect(await processesBelow(temporary)).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('breaks what a scenario says, and it is found', async () => {
    const app = await startServing({ TMPDIR: temporary }, ['--scenario', 'index-missing']);
    await expect
      .poll(app.findings)
      .toContainEqual(expect.objectContaining({ check: 'index-missing', level: 'warning' }));
    expect(await app.checks()).toContainEqual(expect.objectContaining({ check: 'expiry-index', status: 'critical' }));
    const page = await (await fetch(app.statusPage, { headers: { accept: 'text/html' } })).text();
    const [, section = '', anchor] = /href="(http:[^"]*\.md#([^"]+))"/.exec(page) ?? [];
    expect(await (await fetch(section)).text()).toContain(`id="${anchor}"`);
    app.child.kill('SIGTERM');
    expect((await app.finished).code).toBe(0);
  });

  it('shows on the page that an instance protects entries with a key of its own', async () => {
    const app = await startServing({ TMPDIR: temporary }, ['--scenario', 'key-mismatch']);
    await expect
      .poll(app.findings)
      .toContainEqual(expect.objectContaining({ check: 'encryption-unknown-keys', level: 'critical' }));
    expect(await app.checks()).toContainEqual(
      expect.objectContaining({ check: 'encryption-unknown-keys', subject: 'cache web', status: 'critical' }),
    );
    app.child.kill('SIGTERM');
    expect((await app.finished).code).toBe(0);
  });

  it('finds the web app that purges the cache itself', async () => {
    const app = await startServing({ TMPDIR: temporary }, ['--scenario', 'app-purge']);
    await expect
      .poll(app.findings)
      .toContainEqual(
        expect.objectContaining({ check: 'app-purge', advice: expect.stringContaining('TimeSpan.MaxValue;') }),
      );
    expect(await app.checks()).toContainEqual(expect.objectContaining({ check: 'app-purge', status: 'warning' }));
    app.child.kill('SIGTERM');
    expect((await app.finished).code).toBe(0);
  });

  it('ends with npm, where that is ended', async () => {
    const npm = spawn('npm', ['start', '--', '--entries', '1000', '--port', '0'], {
      cwd: root,
      // npm keeps a cache of its own code in the temporary folder.
      env: { ...process.env, TMPDIR: temporary, NODE_DISABLE_COMPILE_CACHE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise<void>((resolve) =>
      npm.stdout.on('data', (chunk) => String(chunk).includes('Ctrl-C') && resolve()),
    );
    expect(await processesBelow(temporary)).not.toEqual([]);
    npm.kill('SIGTERM');
    await expect.poll(() => readdir(temporary)).toEqual([]);
    expect(await processesBelow(temporary)).toEqual([]);
  });

  it('does without Redis where redis-server is not installed, and says how to get it', async () => {
    const PATH = await pathWithoutRedis(temporary);
    const app = await startServing({ PATH, TMPDIR: temporary });
    const status = (await (await fetch(app.statusPage)).json()) as {
      subjects: { name: string; kind: string }[];
    };
    expect(status.subjects.flatMap(({ name, kind }) => (kind === 'keyRing' ? [] : name))).toEqual(['web']);
    app.child.kill('SIGTERM');
    const { code, stderr } = await app.finished;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('sudo apt-get install redis-server');
    await rm(PATH, { recursive: true });
    expect(await readdir(temporary)).toEqual([]);
  });

  it('says what to do where its port is taken, before it has started anything', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await run('dev/start.ts', ['--port', String(port)], { TMPDIR: temporary });
    other.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^Port ${port} is taken by another process.*npm start -- --port ${port + 1}`, 's'),
    );
    expect(stdout).toBe('');
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe('npm run func', () => {
  it('says how to install func where it is missing', async () => {
    const { code, stderr } = await run('dev/func.ts', [], { PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(stderr).toContain('npm install --global azure-functions-core-tools@4');
  });

  /** A stand-in for Core Tools, which cannot be had here: it proves what is started for the host, and with which settings. */
  it('starts the host with a seeded database, Redis, Azurite and a key ring beside it', async () => {
    const settings = join(root, 'local.settings.json');
    const hadSettings = existsSync(settings);
    const folder = await mkdtemp(join(tmpdir(), 'token-cache-func-'));
    await chmod(folder, 0o755);
    const program = `#!${process.execPath}
      const { existsSync } = require('node:fs');
      const { AzureWebJobsStorage = '', TOKEN_CACHES = '[]', KEY_RINGS = '[]', ...env } = process.env;
      const status = async (service) => {
        const endpoint = new RegExp(service + 'Endpoint=([^;]+)').exec(AzureWebJobsStorage)?.[1];
        return (await fetch(endpoint + '?comp=list')).status;
      };
      const told = async () => {
        const [ring] = JSON.parse(KEY_RINGS);
        return {
          azurite: [await status('Blob'), await status('Queue'), await status('Table')],
          caches: JSON.parse(TOKEN_CACHES).map(({ name, connectionStringSetting: setting }) => [name, env[setting].split(':')[0]]),
          ring: [ring.mode, ring.store.container, existsSync(ring.protector.certificates[0].path)],
        };
      };
      if (process.argv[2] === 'start') told().then((all) => console.log(JSON.stringify(all)));`;
    await writeFile(join(folder, 'func'), program, { mode: 0o755 });
    await mkdir(join(folder, 'temporary'), { mode: 0o755 });
    const { code, stdout, stderr } = await run('dev/func.ts', [], {
      PATH: `${folder}:${dirname(process.execPath)}:${process.env.PATH}`,
      TMPDIR: join(folder, 'temporary'),
    });
    const left = await readdir(join(folder, 'temporary'));
    await rm(folder, { recursive: true });
    if (!hadSettings) await rm(settings, { force: true });
    expect(code, stderr).toBe(0);
    // What Azurite answers to a request without a signature; that of tables has no `comp`.
    expect(JSON.parse(stdout)).toEqual({
      azurite: [403, 403, 400],
      caches: [['web', 'postgres'], ...(redisFound ? [['api', '127.0.0.1']] : [])],
      ring: ['manage', 'dataprotection', true],
    });
    expect(left).toEqual([]);
  });
});

type Diagnosed = { report: { checks: { check: string; status: string }[] } };
type Run = { outcome: string; report?: { active?: { count: number } } };

/** `npm start` once it has printed its addresses. */
async function startServing(environment: Record<string, string>, args: string[] = []) {
  const { child, finished } = start('dev/start.ts', ['--entries', '3000', '--port', '0', ...args], environment);
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
      if (printed.includes('Ctrl-C')) resolve();
    });
    finished.then(({ stderr }) => reject(new Error(stderr)));
  });
  const statusPage = /http:\S+\/api\/status\?code=\S+/.exec(printed)?.[0] ?? '';
  const { origin: url, searchParams } = new URL(statusPage);
  const masterKey = /\/admin\/functions\/\S+ -H 'x-functions-key: ([^']+)'/.exec(printed)?.[1] ?? '';
  const headers = { 'x-functions-key': searchParams.get('code') ?? '' };
  const runs = async (job: string, cache: string): Promise<Run[]> => {
    const answer = await fetch(`${url}/api/runs?job=${job}&cache=${cache}`, { headers });
    return ((await answer.json()) as { runs: Run[] }).runs;
  };
  const json = async (path: string) => (await fetch(`${url}/api/${path}`, { headers })).json();
  const findings = async () => ((await json('status')) as { findings: unknown[] }).findings;
  const checks = async () => ((await json('diagnose')) as Diagnosed).report.checks;
  return { child, finished, statusPage, url, masterKey, runs, findings, checks };
}

function activeEntries(run: Run | undefined): number {
  return run?.report?.active?.count ?? Number.NaN;
}

/** Processes that were told of a folder below this one: the servers that keep their data there. */
async function processesBelow(folder: string): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(`${folder}/`));
}

/** A PATH with what the embedded PostgreSQL asks root for alone. */
async function pathWithoutRedis(folder: string): Promise<string> {
  const path = join(folder, 'path');
  await mkdir(path, { mode: 0o755 });
  for (const [place, name] of [
    ['bin', 'id'],
    ['sbin', 'groupadd'],
    ['sbin', 'useradd'],
  ] as const) {
    if (existsSync(`/usr/${place}/${name}`)) await symlink(`/usr/${place}/${name}`, join(path, name));
  }
  return path;
}
