/** `npm start` and `npm run func`, as a new user tries them. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root, run, start } from '../support/childProcess.ts';

describe('npm start', () => {
  let temporary: string;
  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'token-cache-start-'));
    await chmod(temporary, 0o755);
  });
  afterEach(() => rm(temporary, { recursive: true }));

  it('runs the main job on an embedded database, shows before and after, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await run('local/start.ts', ['--once', '--entries', '3000'], {
      TMPDIR: temporary,
    });
    expect(stderr).toContain('expiry index created');
    expect(code).toBe(0);
    expect(stdout).toMatch(/entries\s+3,000\s/);
    expect(stdout).toMatch(/expired\s+2,\d{3}\s+0\s/);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('leaves nothing behind on Ctrl-C', async () => {
    const { child, finished } = start('local/start.ts', ['--entries', '500000'], { TMPDIR: temporary });
    await new Promise<void>((resolve) =>
      child.stderr?.on('data', (chunk) => String(chunk).includes('Writing') && resolve()),
    );
    child.kill('SIGINT');
    expect((await finished).code).not.toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it.each([['--entries', 'many'], ['--entries', '0'], ['--what'], ['surplus']])(
    'explains itself when given %s %s',
    async (...args) => {
      const { code, stderr } = await run(
        'local/start.ts',
        args.filter((arg) => arg !== undefined),
      );
      expect(code).toBe(2);
      expect(stderr).toContain('Usage: npm start');
    },
  );
});

describe('npm run func', () => {
  it('says how to install func where it is missing', async () => {
    const { code, stderr } = await run('local/func.ts', [], { PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(stderr).toContain('npm install --global azure-functions-core-tools@4');
  });

  /** A stand-in for Core Tools, which cannot be had here: it proves what is started for the host, and with which settings. */
  it('starts the host with a seeded database and Azurite beside it', async () => {
    const settings = join(root, 'local.settings.json');
    const hadSettings = existsSync(settings);
    const folder = await mkdtemp(join(tmpdir(), 'token-cache-func-'));
    const program = `#!${process.execPath}
      const [command] = process.argv.slice(2);
      const { AzureWebJobsStorage = '', ...env } = process.env;
      const blob = /BlobEndpoint=([^;]+)/.exec(AzureWebJobsStorage)?.[1];
      const answer = async () => { for (let i = 0; i < 50; i += 1) { try { return (await fetch(blob + '?comp=list')).status; } catch { await new Promise((r) => setTimeout(r, 200)); } } };
      if (command === 'start') answer().then((azurite) => console.log(JSON.stringify({ azurite, cache: env.TOKEN_CACHE_CONNECTION_STRING, table: env.TOKEN_CACHE_TABLE })));`;
    await writeFile(join(folder, 'func'), program, { mode: 0o755 });
    const { code, stdout, stderr } = await run('local/func.ts', [], {
      PATH: `${folder}:${dirname(process.execPath)}:${process.env.PATH}`,
    });
    await rm(folder, { recursive: true });
    if (!hadSettings) await rm(settings, { force: true });
    expect(code, stderr).toBe(0);
    // Azurite answers 403 to a request without a signature.
    expect(stdout).toMatch(/\{"azurite":403,"cache":"postgres:[^"]+","table":"public.tokencache"\}/);
  });
});
