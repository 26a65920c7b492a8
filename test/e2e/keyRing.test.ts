/** Key rings as an operator and the timer keep them: processes of their own, a ring in a folder, entries in PostgreSQL. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { selfSigned } from '../support/certificates.ts';
import { root, run, start } from '../support/childProcess.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const script = 'bin/token-cache.js';
const fixtures = join(root, 'test/fixtures/key-ring');
const defaultKey = 'f6f91482-2799-4607-8a8e-43b36cc85079';
/** The mark of a payload, then the default key's id as a .NET Guid. */
const header = '09f0c9f08214f9f6992707468a8e43b36cc85079';

describe('token-cache key-ring', () => {
  let folder: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'key-ring-'));
    await cp(join(fixtures, 'certificate/keys'), join(folder, 'keys'), { recursive: true });
    const ring = {
      name: 'web',
      mode: 'manage',
      store: { kind: 'folder', path: join(folder, 'keys') },
      protector: {
        kind: 'certificate',
        certificates: [{ path: join(fixtures, 'certificate.pfx'), passwordSetting: 'PFX_PASSWORD' }],
      },
      caches: ['default'],
    };
    env = {
      KEY_RINGS: JSON.stringify([ring]),
      PFX_PASSWORD: 'fixture',
      TOKEN_CACHE_CONNECTION_STRING: database.url,
      RECORD_STORE: `file:${join(folder, 'records')}`,
    };
    const table = await engine.create(engine.ordinaryName);
    await table.insert([
      { id: 'one', expiresInMs: 3_600_000 },
      { id: 'two', expiresInMs: 3_600_000 },
      { id: 'gone', expiresInMs: -3_600_000 },
      { id: 'plain', expiresInMs: 3_600_000 },
    ]);
    await database.query(`update ${engine.ordinaryName} set value = decode($1, 'hex') || value where id <> 'plain'`, [
      header,
    ]);
  });
  afterEach(async () => {
    await engine.drop(engine.ordinaryName);
    await rm(folder, { recursive: true });
  });

  const files = async () => (await readdir(join(folder, 'keys'))).filter((name) => name.endsWith('.xml'));
  const keyRing = (...args: string[]) => run(script, ['key-ring', ...args], env);

  it('says what state the ring is in', async () => {
    const { code, stdout } = await keyRing('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`default\\s+${defaultKey} from 2026-11-23T22:30:50\\.7698792Z`));
    expect(stdout).toMatch(/revoked\s+a4b9c9d9-/);
    expect(stdout).toMatch(/expired\s+33d35cfc-/);
  });

  it('plans a revocation with the entries that become unreadable, and does it when the ring is named', async () => {
    const plan = await keyRing('revoke', '--ring', 'web', '--key', defaultKey.toUpperCase());
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/entries lost\s+2\b/);
    expect(plan.stdout).toContain('repeat with --confirm web');
    expect(await files()).toHaveLength(4);
    const done = await keyRing('revoke', '--ring', 'web', '--key', defaultKey, '--confirm', 'web', '--json');
    expect(done.code).toBe(0);
    const [{ report }] = JSON.parse(done.stdout).runs;
    expect(report).toMatchObject({
      outcome: 'revoked',
      keys: [defaultKey],
      unreadableEntries: { count: 2, estimated: false },
    });
    expect(await files()).toHaveLength(6);
    expect((await keyRing('status')).stdout).toMatch(new RegExp(`default\\s+${report.successor.id}`));
  });

  it('publishes nothing into a ring that lost its keys, unless it is told to begin anew', async () => {
    await keyRing('status');
    await rm(join(folder, 'keys'), { recursive: true });
    await mkdir(join(folder, 'keys'));
    const refused = await keyRing('rotate');
    expect([refused.code, await files()]).toEqual([1, []]);
    expect(refused.stderr).toContain('key-ring rotate --accept-empty');
    expect((await keyRing('rotate', '--accept-empty')).code).toBe(0);
    expect(await files()).not.toEqual([]);
  });

  it.each([
    [['revoke', '--ring', 'web'], /Give one of --key, --all and --created-before/],
    [['revoke', '--all'], /Give the ring, once/],
    [['revoke', '--ring', 'web', '--created-before', 'yesterday'], /Expected an instant/],
    [['status', '--ring', 'other'], /No key ring is named other\. There is: web/],
  ])('refuses %j', async (args, expected) => {
    const { code, stderr } = await keyRing(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(expected);
  });

  it.each([
    [['--all', '--confirm', 'yes'], 'confirmation_wrong'],
    [['--key', '11111111-2222-3333-4444-555555555555'], 'key_unknown'],
  ])('revoke %j is refused, and says so once', async (args, error) => {
    const { code, stderr } = await keyRing('revoke', '--ring', 'web', ...args);
    expect([code, stderr.split(error)]).toEqual([2, expect.objectContaining({ length: 2 })]);
    expect(await files()).toHaveLength(4);
  });

  it('is re-wrapped with exit code 1 where keys stay behind, and so says the dry run', async () => {
    await writeFile(join(folder, 'ours.pfx'), selfSigned('ours').pfx);
    env.KEY_RINGS = env.KEY_RINGS?.replace(join(fixtures, 'certificate.pfx'), join(folder, 'ours.pfx')) ?? '';
    for (const args of [['--dry-run'], []]) {
      const { code, stdout } = await keyRing('rewrap', '--json', ...args);
      const [{ outcome, report }] = JSON.parse(stdout).runs;
      expect([code, outcome, report.outcome, report.keys]).toEqual([1, 'failed', 'nothingToDo', []]);
      expect(report.failed.map(({ id }: { id: string }) => id)).toContain(defaultKey);
    }
  });

  it('shows names and types of the ring without control characters, and cut', async () => {
    const odd = '\u001b[31mred\u0007\u202e';
    const type = `A\u0085${'long'.repeat(200)}, B`;
    const [name = ''] = await files();
    const key = (await readFile(join(folder, 'keys', name), 'utf8')).replace(
      /decryptorType="[^"]*"/,
      () => `decryptorType="${type}"`,
    );
    await writeFile(join(folder, 'keys', name), key);
    await writeFile(join(folder, 'keys', `${odd}.xml`), `<odd-\u0300${'x'.repeat(400)}/>`);
    for (const args of [['status'], ['status', '--json']]) {
      const { stdout, stderr } = await keyRing(...args);
      expect(stdout).toContain('[31mred');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(stdout + stderr).not.toMatch(/(long){60}|x{201}/);
    }
  });

  it('lets no key material out: not on the terminal, nor in records', async () => {
    const outputs = [];
    for (const args of [
      ['status'],
      ['rotate', '--json'],
      ['rewrap', '--json'],
      ['prune'],
      ['revoke', '--ring', 'web', '--all', '--confirm', 'web', '--json'],
    ]) {
      const { stdout, stderr } = await keyRing(...args);
      outputs.push(stdout, stderr);
    }
    for (const name of await readdir(join(folder, 'records'), { recursive: true })) {
      if (name.endsWith('.json')) outputs.push(await readFile(join(folder, 'records', name), 'utf8'));
    }
    const ring = await Promise.all((await files()).map((name) => readFile(join(folder, 'keys', name), 'utf8')));
    const material = ring.flatMap((text) => text.match(/[A-Za-z0-9+/]{60,}={0,2}/g) ?? []);
    expect(material.length).toBeGreaterThan(8);
    expect(outputs.join('').length).toBeGreaterThan(2_000);
    for (const piece of material) expect(outputs.join('')).not.toContain(piece);
    expect(outputs.join('')).not.toContain('fixture"');
  });

  it('leaves a ring that can be read when it is killed at any moment, and that the next run finishes', async () => {
    for (let delayMs = 100; delayMs <= 1_000; delayMs += 100) {
      const { child, finished } = start(
        script,
        ['key-ring', 'revoke', '--ring', 'web', '--all', '--confirm', 'web'],
        env,
      );
      await delay(delayMs);
      child.kill('SIGKILL');
      await finished;
      const { elements, damage } = await new FolderStore(join(folder, 'keys')).read();
      expect(damage).toEqual([]);
      expect(readKeyRing({ exists: true, elements, damage, storeTime: undefined }).damage).toEqual([]);
    }
    // As after the two minutes for which a lock is taken to be somebody's.
    await rm(join(folder, 'keys/.token-cache-maintenance.lock'), { force: true });
    const { code } = await keyRing('revoke', '--ring', 'web', '--all', '--confirm', 'web');
    expect(code).toBe(0);
    const { stdout } = await keyRing('status', '--json');
    const [{ report }] = JSON.parse(stdout).runs;
    expect(report).toMatchObject({ defaultKey: expect.any(String), appsWouldMint: false });
  });

  describe('and its timer', () => {
    const invoke = async (environment: Record<string, string>) => {
      const { stdout, stderr, code } = await run('test/support/functionsProcess.ts', ['rotateKeyRing'], environment);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as { results: Record<string, string>; logs: { level: string; message: string }[] };
    };

    it('rotates each ring', async () => {
      const { results, logs } = await invoke(env);
      expect(results).toEqual({ rotateKeyRing: 'ok' });
      expect(logs.map(({ message }) => message).join('\n')).toContain(
        'rotateKeyRing web: nothing to do, next action 2027-02-07',
      );
    });

    it('does nothing without a ring, and fails with the reason for a wrong one', async () => {
      expect((await invoke({ TOKEN_CACHE_CONNECTION_STRING: database.url })).results).toEqual({ rotateKeyRing: 'ok' });
      const wrong = env.KEY_RINGS?.replace('"manage"', '"maybe"') ?? '';
      expect((await invoke({ ...env, KEY_RINGS: wrong })).results.rotateKeyRing).toContain(
        'mode must be observe or manage',
      );
    });
  });
});
