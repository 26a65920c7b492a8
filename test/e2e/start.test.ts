/** `npm start` and `npm run func`, as a new user tries them. */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, start } from '../support/childProcess.ts';

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
});
