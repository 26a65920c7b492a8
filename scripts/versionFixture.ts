/**
 * Writes test/fixtures/previousVersion.json: what this version leaves in a store of records, and the names that others rely on. Run it at
 * a release (`npm run fixture:version`), so that the next versions are held against it. Everything is made by running it: the built functions and
 * the command line on a real PostgreSQL and a real Redis.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../dev/embeddedPostgres.ts';
import { createSeededTable } from '../dev/seed.ts';
import { checkNames } from '../src/lib/runbook.ts';
import { settingForms } from '../src/lib/settings/settings.ts';
import { instruments } from '../src/lib/telemetry/metrics.ts';
import { packageVersion } from '../src/lib/version.ts';
import { run } from '../test/support/childProcess.ts';
import { startFunctionsApp } from '../test/support/functionsApp.ts';
import { writeEntries } from '../test/support/redisEntries.ts';
import { startRedis } from '../test/support/redisServer.ts';
import { alertNames } from '../test/support/snapshots.ts';

const folder = mkdtempSync(join(tmpdir(), 'version-fixture-'));
const records = join(folder, 'records');
const postgres = await startPostgres();
const redis = await startRedis({ args: ['--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lru'] });
try {
  await createSeededTable(postgres.url('postgres'), 'public.tokencache', { entries: 5_000, expiredShare: 0.6 });
  await writeEntries(redis.client, { count: 500, instanceName: 'web:', ttlSeconds: 3_600 });
  const caches = [
    { name: 'web', engine: 'postgres', connectionStringSetting: 'WEB' },
    { name: 'front', engine: 'redis', connectionStringSetting: 'FRONT', instanceName: 'web:' },
  ];
  const ring = {
    name: 'ring',
    mode: 'manage',
    store: { kind: 'folder', path: join(folder, 'ring') },
    protector: { kind: 'none' },
  };
  const settings = {
    TOKEN_CACHES: JSON.stringify(caches),
    WEB: postgres.url('postgres'),
    FRONT: redis.node,
    KEY_RINGS: JSON.stringify([ring]),
    RECORD_STORE: `file:${records}`,
  };
  const app = await startFunctionsApp(settings);
  const timers = [
    'ensureExpiryIndex',
    'recordCacheCounts',
    'watchRedis',
    'rotateKeyRing',
    'judgeFindings',
    'purgeExpiredEntries',
  ];
  const ran = (name: string) => new RegExp(`(info|warn|error) ${name} `).test(app.log());
  for (const name of timers) {
    await app.fire(name);
    for (let wait = 0; wait < 300 && !ran(name); wait += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await app.call('POST', 'purge', { body: { cache: 'web', dryRun: true } });
  await app.stop();
  const commands = [
    ['purge', '--cache', 'web', '--dry-run'],
    ['counts', '--cache', 'web'],
    ['redis', '--cache', 'front'],
    ['clear', '--cache', 'web'],
    ['clear', '--cache', 'front'],
    ['key-ring', 'status', '--ring', 'ring'],
    ['key-ring', 'rotate', '--ring', 'ring', '--dry-run'],
    ['key-ring', 'prune', '--ring', 'ring', '--dry-run'],
    ['diagnose'],
  ];
  for (const args of commands) {
    const { code, stderr } = await run('src/cli/main.ts', args, settings);
    console.error(args.join(' '), code, stderr.split('\n')[0]);
  }
  await redis.stop();
  // A cache that is away leaves a failure, and a look at it what it saw.
  for (const args of [['redis', '--cache', 'front']]) await run('src/cli/main.ts', args, settings);
  await run('src/cli/main.ts', ['purge', '--cache', 'web'], {
    ...settings,
    WEB: 'Host=127.0.0.1;Port=1;Username=u;Password=p;Database=d',
    PURGE_TIME_BUDGET: 'PT1S',
  });
  const files = (readdirSync(records, { recursive: true, encoding: 'utf8' }) as string[]).filter((path) =>
    path.endsWith('.json'),
  );
  const fixture = {
    version: packageVersion(),
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
    settings: Object.fromEntries(settingForms().map(({ name, byDefault }) => [name, byDefault ?? null])),
    configured: { TOKEN_CACHES: settings.TOKEN_CACHES, KEY_RINGS: settings.KEY_RINGS },
    metrics: Object.values(instruments).map(({ name, kind, unit, attributes }) => ({ name, kind, unit, attributes })),
    findings: checkNames,
    alerts: alertNames(),
    records: Object.fromEntries(
      files.sort().map((path) => [path, JSON.parse(readFileSync(join(records, path), 'utf8'))]),
    ),
  };
  // No path, port or address of this machine.
  const text = JSON.stringify(fixture, null, 2)
    .replaceAll(folder, '/home/site')
    .replaceAll(redis.node, '127.0.0.1:6379')
    .replaceAll(/(?<=127\.0\.0\.1:)\d{5}/g, '5432');
  writeFileSync('test/fixtures/previousVersion.json', `${text}\n`);
} finally {
  await redis.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
