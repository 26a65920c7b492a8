/** The command line as an operator uses it: a process of its own against the real PostgreSQL. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileRecordStore } from '../../src/lib/runs/fileRecordStore.ts';
import { run, start } from '../support/childProcess.ts';
import { startOtlpCollector } from '../support/otlpCollector.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { useTestDatabase } from '../support/testDatabase.ts';
import type { TestTable } from '../support/testTable.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const script = 'bin/token-cache.js';
const hour = 3_600_000;

/** A module that makes this Node.js say that it is an older one. */
const ofOlderNode = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })",
)}`;

/** A module that writes the address of each one that is loaded to stderr. */
const tellsModules = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({ load: (url, context, next) => (console.error(url), next(url, context)) });`)}`;

describe('token-cache', () => {
  let table: TestTable;
  let state: string;
  let env: Record<string, string>;

  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'token-cache-state-'));
    env = { TOKEN_CACHE_CONNECTION_STRING: database.url, XDG_STATE_HOME: state };
    table = await engine.create(engine.ordinaryName);
    await table.insert([
      ...Array.from({ length: 3_000 }, (_, index) => ({ id: `e${index}`, expiresInMs: -hour - index })),
      ...Array.from({ length: 20 }, (_, index) => ({ id: `a${index}`, expiresInMs: hour + index })),
    ]);
  });
  afterEach(async () => {
    await engine.drop(engine.ordinaryName);
    await rm(state, { recursive: true });
  });

  it('purges, and prints one JSON document that is also the run record', async () => {
    const { code, stdout, stderr } = await run(script, ['purge', '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { runs } = JSON.parse(stdout);
    expect(runs).toMatchObject([
      {
        job: 'purge',
        subject: 'default',
        dryRun: false,
        trigger: 'cli',
        outcome: 'succeeded',
        report: { stopReason: 'drained', deleted: 3_000 },
      },
    ]);
    const records = new FileRecordStore(join(state, 'token-cache-maintenance'));
    expect(await records.getRun(runs[0].runId)).toEqual(runs[0]);
    expect(await table.ids()).toHaveLength(20);
  });

  it.each(['--version', '--help'])('loads neither jobs nor drivers for %s', async (option) => {
    const { code, stderr } = await run(script, [option], { NODE_OPTIONS: `--import=${tellsModules}` });
    expect(code).toBe(0);
    const loaded = stderr.trim().split('\n');
    expect(loaded.filter((url) => url.includes('/src/cli/'))).not.toEqual([]);
    const packages = loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    expect([...new Set(packages)].sort()).toEqual(['commander', 'temporal-polyfill', 'temporal-utils']);
  });

  it('changes nothing in a dry run', async () => {
    const { code, stdout } = await run(script, ['purge', '--dry-run', '--cache', 'default'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/would delete\s+3,000 entries/);
    expect(stdout).toContain('delete from "public"."tokencache"');
    expect(await table.ids()).toHaveLength(3_020);
    expect(await table.indexNames()).toEqual([]);
  });

  it('creates the index and counts', async () => {
    const planned = (await run(script, ['index', '--dry-run'], env)).stdout;
    expect(planned).toContain('expiry index would be built');
    expect(planned).toMatch(/statement +create index concurrently .*"IX_tokencache_ExpiresAtTime"/);
    expect((await run(script, ['index'], env)).stdout).toContain('expiry index created: IX_tokencache_ExpiresAtTime');
    const { stdout } = await run(script, ['counts'], env);
    expect(stdout).toMatch(/entries\s+3,020/);
    expect(stdout).toMatch(/expired\s+3,000/);
  });

  it('limits a run as its options say', async () => {
    const { stdout } = await run(
      script,
      ['purge', '--json', '--max-rows', '100', '--older-than', 'PT1H', '--time-budget', 'PT30S'],
      env,
    );
    expect(JSON.parse(stdout).runs[0].report).toMatchObject({ stopReason: 'rowLimit', deleted: 100 });
  });

  it('exits with 1 when a run failed, and says what to do', async () => {
    await database.query('drop table public.tokencache');
    const { code, stderr } = await run(script, ['purge'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('table_missing');
    expect(stderr).toContain('Set TOKEN_CACHE_TABLE');
  });

  it('exits with 3 when another run holds the table, and nothing was done', async () => {
    const cache = table.open();
    const held = await cache.tryLock('purge');
    const { code, stdout } = await run(script, ['purge', '--json'], env);
    await held?.release();
    await cache.close();
    expect(code).toBe(3);
    expect(JSON.parse(stdout).runs).toMatchObject([{ outcome: 'skipped', report: { stopReason: 'busy', deleted: 0 } }]);
    expect(await table.ids()).toHaveLength(3_020);
  });

  it.each([
    [['purge', '--time-budget', '5 minutes'], {}, 'ISO 8601'],
    [['purge', '--max-rows', '-1'], {}, 'whole number'],
    [['purge', '--cache', 'nope'], {}, 'No SQL cache is named nope. There is: default.'],
    [['counts'], { TOKEN_CACHE_CONNECTION_STRING: 'localhost:6379' }, 'There is: Redis cache default.'],
    [['purge', '--force'], {}, "unknown option '--force'"],
    [['purge', 'everything'], {}, 'too many arguments'],
    [['vacuum'], {}, "unknown command 'vacuum'"],
    [[], {}, 'Usage: token-cache'],
    [['purge'], { PURGE_GRACE: 'x', TOKEN_CACHE_ENGINE: 'oracle' }, 'PURGE_GRACE must be'],
    [
      ['purge'],
      { TOKEN_CACHE_CONNECTION_STRING: 'Host=h;Password=secret-1;Port=no' },
      'TOKEN_CACHE_CONNECTION_STRING cannot be used',
    ],
  ])('exits with 2 on %j with %j', async (args, changes, message) => {
    const { code, stdout, stderr } = await run(script, args, { ...env, ...changes });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret-1');
    expect(await table.ids()).toHaveLength(3_020);
  });

  it('prints help and exits with 0', async () => {
    const { code, stdout } = await run(script, ['purge', '--help'], env);
    expect(code).toBe(0);
    expect(stdout).toContain('--dry-run');
  });

  describe('ended in mid-run', () => {
    /** A purge that takes long, by small batches with long pauses, and is under way when this resolves. */
    const startSlowPurge = async (settings: Record<string, string> = {}, options: string[] = []) => {
      const [first = script, ...args] = [...options, script, 'purge', '--json'];
      const started = start(first, args, {
        ...env,
        ...settings,
        PURGE_BATCH_TARGET: 'PT0.01S',
        PURGE_PAUSE_RATIO: '20',
      });
      await expect.poll(() => table.ids().then((ids) => ids.length), { timeout: 20_000 }).toBeLessThan(3_020);
      return started;
    };

    it('by kill -9 leaves no lock, and the next run finishes the rest', async () => {
      const { child, finished } = await startSlowPurge();
      child.kill('SIGKILL');
      expect((await finished).signal).toBe('SIGKILL');
      expect((await table.ids()).length).toBeGreaterThan(20);
      await expect.poll(() => database.advisoryLocks(), { timeout: 5_000 }).toEqual([]);
      const { stdout } = await run(script, ['purge', '--json'], env);
      expect(JSON.parse(stdout).runs[0].report).toMatchObject({ stopReason: 'drained' });
      expect(await table.ids()).toEqual(Array.from({ length: 20 }, (_, index) => `a${index}`).sort());
    });

    it.each(['SIGINT', 'SIGTERM'] as const)(
      'by %s to an older Node.js, which hands over, stops and reports',
      async (signal) => {
        const { child, finished } = await startSlowPurge({}, ['--import', ofOlderNode]);
        child.kill(signal);
        const { code, stdout } = await finished;
        expect(code).toBe(1);
        expect(JSON.parse(stdout).runs).toMatchObject([{ outcome: 'aborted' }]);
      },
    );

    it.each(['SIGINT', 'SIGTERM'] as const)('by %s, though npm passes it on, stops and reports', async (signal) => {
      // It still waits for its telemetry when the signal comes again.
      const collector = await startOtlpCollector();
      collector.mood = 'never';
      try {
        const { child, finished } = await startSlowPurge({ ...collector.settings, TELEMETRY_FLUSH_TIMEOUT: 'PT5S' });
        child.kill(signal);
        await delay(20);
        child.kill(signal);
        const { code, stdout } = await finished;
        expect(code).toBe(1);
        expect(JSON.parse(stdout).runs).toMatchObject([{ outcome: 'aborted', report: { stopReason: 'aborted' } }]);
      } finally {
        await collector.stop();
      }
    });
  });
});
