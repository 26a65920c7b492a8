/** The zip that `npm run package` makes, unpacked: what is in it, and that all of it works. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalStorage, startAzurite } from '../../dev/azurite.ts';
import { instruments } from '../../src/lib/telemetry/metrics.ts';
import { appRole, dayOfAnApp } from '../support/appRows.ts';
import { selfSigned } from '../support/certificates.ts';
import { root } from '../support/childProcess.ts';
import { type FunctionsApp, startFunctionsApp } from '../support/functionsApp.ts';
import { type LogAnalytics, startLogAnalytics } from '../support/logAnalytics.ts';
import { type ManagedIdentity, startManagedIdentity } from '../support/managedIdentity.ts';
import { type OtlpCollector, startOtlpCollector } from '../support/otlpCollector.ts';
import { type PackagedApp, unpackApp } from '../support/packagedApp.ts';
import { postgresEngine } from '../support/postgresEngine.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { endpointEngine } from '../support/sqlServer/engine.ts';
import { useEndpoint } from '../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../support/testDatabase.ts';

const database = useTestDatabase();
const engine = postgresEngine(database);
const wantedBytes = 5e6;

let packaged: PackagedApp;
beforeAll(async () => {
  packaged = await unpackApp();
});
afterAll(() => packaged.remove());

describe('the package', () => {
  it('holds what the host reads, small, with the licences of what is bundled', async () => {
    const read = (name: string) => readFile(join(packaged.folder, name), 'utf8');
    expect(JSON.parse(await read('host.json'))).toMatchObject({ version: '2.0', telemetryMode: 'OpenTelemetry' });
    const { type, main, dependencies } = JSON.parse(await read('package.json'));
    expect({ type, dependencies }).toEqual({ type: 'module', dependencies: undefined });
    expect((await stat(join(packaged.folder, main))).isFile()).toBe(true);
    const licences = await read('THIRD-PARTY-LICENSES.txt');
    const names = new Set([...licences.matchAll(/^(\S+) \d+\.\S+ \(.*\)$/gm)].map(([, name]) => name));
    for (const name of ['@azure/monitor-opentelemetry', 'mssql', 'tedious', 'pg', 'ioredis'])
      expect(names).toContain(name);
    expect((await stat(join(root, 'dist/package.zip'))).size).toBeLessThan(wantedBytes);
  });

  it('registers the same functions as the build', async () => {
    const functions = async (folder: string) => {
      const app = await startFunctionsApp({ RECORD_STORE: 'none' }, folder);
      const { json } = await app.call('GET', 'openapi.json');
      const routes = Object.keys(json.paths as object).sort();
      await app.stop();
      return routes;
    };
    const names = (await readdir(join(root, 'src/functions'))).filter((name) => name.endsWith('.ts'));
    expect(names.length).toBeGreaterThan(9);
    expect(await functions(packaged.folder)).toEqual(await functions(root));
  });
});

describe('the bundled driver of SQL Server', () => {
  const endpoint = useEndpoint(database);
  const sqlServer = endpointEngine(database, endpoint);

  it('purges', async () => {
    const table = await sqlServer.create(sqlServer.ordinaryName);
    await table.insert([
      { id: 'expired', expiresInMs: -3_600_000 },
      { id: 'alive', expiresInMs: 3_600_000 },
    ]);
    const app = await startFunctionsApp(
      {
        RECORD_STORE: 'none',
        TOKEN_CACHE_CONNECTION_STRING: endpoint().connectionString('TrustServerCertificate=true'),
      },
      packaged.folder,
    );
    try {
      const { json } = await app.call('POST', 'purge', { body: { dryRun: false } });
      expect(json).toMatchObject({ report: { engine: 'sqlserver', deleted: 1 } });
      expect(await table.ids()).toEqual(['alive']);
    } finally {
      await app.stop();
      await sqlServer.drop(sqlServer.ordinaryName);
    }
  });
});

describe.skipIf(!redisFound)('the packaged jobs', () => {
  let app: FunctionsApp;
  let collector: OtlpCollector;
  let logs: LogAnalytics;
  let identity: ManagedIdentity;
  let folder: string;
  let storage: LocalStorage;
  afterEach(async () => {
    await app.stop();
    await storage.stop();
    await collector.stop();
    await logs.stop();
    await identity.stop();
    await stopAllRedisServers();
    await rm(folder, { recursive: true, force: true });
    await engine.drop(engine.ordinaryName);
  });

  /** Fires a timer and waits until as many runs are told of as it makes. */
  async function runTimer(name: string, runs = 1): Promise<void> {
    const before = collector.spans().length;
    await app.fire(name);
    await expect.poll(() => collector.spans().length, { message: `${name}\n${app.log()}` }).toBe(before + runs);
  }

  it('record every metric of the table', async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-cache-package-test-'));
    collector = await startOtlpCollector();
    storage = await startAzurite();
    logs = await startLogAnalytics(dayOfAnApp(new Date()));
    identity = await startManagedIdentity();
    const table = await engine.create(engine.ordinaryName);
    await table.insert([{ id: 'expired', expiresInMs: -3_600_000 }]);
    const redis = await startRedis({ args: ['--maxmemory', '50mb'] });
    await redis.client.set('kept', 'for ever');
    await writeFile(join(folder, 'ring.pfx'), selfSigned('ring').pfx);
    const ring = {
      name: 'ring',
      mode: 'manage',
      store: { kind: 'folder', path: join(folder, 'keys') },
      protector: { kind: 'certificate', certificates: [{ path: join(folder, 'ring.pfx'), passwordSetting: 'PFX' }] },
    };
    app = await startFunctionsApp(
      {
        ...collector.settings,
        ...logs.settings,
        ...identity.settings,
        TOKEN_CACHES: JSON.stringify([
          { name: 'sql', connectionStringSetting: 'SQL', app: { workspace: logs.workspace, role: appRole } },
          { name: 'redis', connectionStringSetting: 'REDIS' },
        ]),
        SQL: database.url,
        REDIS: redis.node,
        KEY_RINGS: JSON.stringify([ring]),
        PFX: 'fixture',
        AzureWebJobsStorage: storage.connectionString,
        RECORD_STORE: `file:${join(folder, 'records')}`,
      },
      packaged.folder,
    );
    for (const name of ['ensureExpiryIndex', 'recordCacheCounts', 'purgeExpiredEntries', 'rotateKeyRing'])
      await runTimer(name);
    await runTimer('watchApps');
    expect(logs.asked.map(({ authorization }) => authorization)).toEqual(Array(5).fill(`Bearer ${identity.token}`));
    await runTimer('watchRedis');
    await redis.client.get('kept');
    await runTimer('watchRedis');
    await app.fire('judgeFindings');
    const recorded = () => Object.fromEntries(collector.metrics().map(({ name, unit }) => [name, unit]));
    const wanted = Object.fromEntries(Object.values(instruments).map(({ name, unit }) => [name, unit]));
    await expect.poll(recorded).toEqual(wanted);
    const lateness = collector.metrics().filter(({ name }) => name === 'maintenance.timer.lateness');
    expect(new Set(lateness.map(({ attributes }) => attributes.job))).toEqual(
      new Set([
        'purgeExpiredEntries',
        'ensureExpiryIndex',
        'recordCacheCounts',
        'watchRedis',
        'watchApps',
        'rotateKeyRing',
        'judgeFindings',
      ]),
    );
  });
});
