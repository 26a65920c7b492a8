/**
 * The tables of docs/web-app.md, line by line: for each finding of a line there is a broken app, or a broken cache with the app that broke it,
 * and the diagnosis names it. Where both sides speak, it is one finding with the evidence of both.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/freePort.ts';
import { diagnoseWebApps } from '../../../src/lib/app/webAppDiagnosis.ts';
import { watchApp } from '../../../src/lib/appTelemetry/watchApp.ts';
import { type Symptom, symptoms } from '../../../src/lib/checks/check.ts';
import type { CheckReport } from '../../../src/lib/checks/diagnosisReport.ts';
import { runChecks } from '../../../src/lib/checks/runChecks.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { joinSides } from '../../../src/lib/findings/diagnosis/bothSides.ts';
import { registry } from '../../../src/lib/findings/diagnosis/registry.ts';
import { judgeAppReport } from '../../../src/lib/findings/judgeWebApp.ts';
import { once } from '../../../src/lib/once.ts';
import { readSettings } from '../../../src/lib/settings/settings.ts';
import { appPolicy, appRole, failure, l1Hit, latency, logged, metric, miss, msal } from '../../support/appRows.ts';
import { root, run } from '../../support/childProcess.ts';
import {
  type CacheEntry,
  certificateRing,
  dayMs,
  diagnose,
  encryptedValue,
  entries,
  entry,
  plainValue,
  type TestRing,
  userKey,
  withRings,
} from '../../support/diagnosis.ts';
import { createEndpointCache, fillEndpoint } from '../../support/diagnosisTables.ts';
import { openTestWorkspace, startLogAnalytics } from '../../support/logAnalytics.ts';
import { startManagedIdentity } from '../../support/managedIdentity.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../../support/redisServer.ts';
import { faults, samples } from '../../support/sampleApps.ts';
import { useEndpoint } from '../../support/sqlServer/useEndpoint.ts';
import { useTestDatabase } from '../../support/testDatabase.ts';

const database = useTestDatabase();
const endpoint = useEndpoint(database);
let rings: TestRing[] = [];
const made: string[] = [];
beforeAll(async () => {
  rings = [await certificateRing('web'), await certificateRing('other')];
});
afterAll(async () => {
  for (const ring of rings) await ring.remove();
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
afterEach(stopAllRedisServers);

/** Something broken, and the causes that the diagnosis is to name; `joined` are those that are one finding with the first. */
interface Scene {
  shows: string[];
  joined: string[];
  reports: () => Promise<CheckReport[]>;
}

const cacheSettings = (connectionString: string, more: object): Record<string, string> => ({
  TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'CACHE', ...more }]),
  CACHE: connectionString,
});

async function bothSides(app: string, env: Record<string, string>): Promise<CheckReport[]> {
  const look = () => diagnoseWebApps(join(samples, app), readSettings(env, 'file'), systemClock);
  const { report } = await diagnose(env, { caches: ['web'], app: look });
  return report.checks;
}

const persistent = ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru', '--appendonly', 'yes'];

interface RedisScene {
  all?: () => CacheEntry[];
  args?: string[];
  instanceName?: string;
  ringCount?: number;
  nearlyFull?: boolean;
}

/** An app and a Redis, filled as Microsoft.Extensions.Caching.StackExchangeRedis fills it. */
const onRedis =
  (app: string, { all = () => [], args = persistent, instanceName = 'web:', ringCount = 1, nearlyFull }: RedisScene) =>
  async () => {
    const server = await startRedis({ args });
    const pipeline = server.client.pipeline();
    for (const { key, value, expiresInMs, slidingSeconds } of all()) {
      const sliding = slidingSeconds === null ? '-1' : String(slidingSeconds * 10_000_000);
      pipeline.hset(`web:${key}`, 'absexp', '-1', 'sldexp', sliding, 'data', value);
      if (expiresInMs > 0) pipeline.pexpire(`web:${key}`, expiresInMs);
    }
    await pipeline.exec();
    if (nearlyFull) {
      const used = Number(/used_memory:(\d+)/.exec(await server.client.info('memory'))?.[1]);
      await server.client.config('SET', 'maxmemory', String(Math.round(used / 0.82)));
    }
    const env = cacheSettings(`127.0.0.1:${server.port},abortConnect=False`, { instanceName });
    return bothSides(app, withRings(env, ...rings.slice(0, ringCount)));
  };

const encrypted = (keyId: string | undefined, count = 30) =>
  entries(count, () => ({ value: encryptedValue(keyId ?? '') }));
const pair = (one: string, other: string) => [one, other].map((key) => entry({ key }));

/** All that a web app may tell at once, looked at by the real client. */
const telemetry = once(async () => {
  const now = new Date();
  const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const logs = await startLogAnalytics({
    AppMetrics: [
      msal(ago(5), 150, l1Hit),
      msal(ago(5), 300, miss),
      msal(ago(6), 60, failure('invalid_grant', '65001')),
      msal(ago(6), 20, failure('json_parse_failed')),
      latency(ago(5), 'MsalDurationInL2Cache.1A', 40, 900),
      ...Array.from({ length: 10 }, (_, hour) =>
        metric(ago(hour * 60 + 1), 'dotnet.process.memory.working_set', { Sum: 2e9 - hour * 150e6, ItemCount: 1 }),
      ),
    ],
    AppExceptions: [
      logged(ago(3), 2, 'Microsoft.Identity.Client.MsalClientException', true),
      logged(ago(3), 3, 'StackExchange.Redis.RedisConnectionException'),
    ],
    AppTraces: [],
    AppRequests: [],
  });
  const report = await watchApp({ workspace: await openTestWorkspace(logs), role: appRole, policy: appPolicy, now });
  await logs.stop();
  const { findings: policy } = readSettings({}, 'file');
  const look = async () => ({ report, findings: judgeAppReport(report, { name: 'web', rings: [] }, [], { policy }) });
  return runChecks({ subject: 'web app of web', checks: registry.telemetry, of: { look } }, systemClock);
});

const withTelemetry = (app: string) => async () => {
  const env = cacheSettings('r.example.com:6380,ssl=True,abortConnect=False', { instanceName: 'web:' });
  return joinSides(
    await diagnoseWebApps(join(samples, app), readSettings(env, 'file'), systemClock),
    await telemetry(),
  );
};

const scene = (shows: string, joined: string, reports: Scene['reports']): Scene => ({
  shows: shows.split(' '),
  joined: joined.split(' ').filter((cause) => cause !== ''),
  reports: once(reports),
});

const scenes: Scene[] = [
  // An app of its own for each of these causes, alone.
  ...Object.entries(faults).map(([name, [found = '']]) =>
    scene(found.split(' ')[2] ?? '', '', async () =>
      (await diagnoseWebApps(join(samples, name), readSettings({}, 'file'), systemClock)).flatMap((app) => app.reports),
    ),
  ),
  scene('package_has_a_fault', '', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'article-app-'));
    made.push(folder);
    writeFileSync(join(folder, 'Program.cs'), readFileSync(join(samples, 'sound-redis-encrypted/Program.cs')));
    const reference = '<PackageReference Include="Microsoft.AspNetCore.DataProtection" Version="10.0.3" />';
    writeFileSync(join(folder, 'Web.csproj'), `<Project><ItemGroup>${reference}</ItemGroup></Project>`);
    const apps = await diagnoseWebApps(folder, readSettings({}, 'file'), systemClock);
    return apps.flatMap(({ reports }) => reports);
  }),
  scene('app_store_errors', '', withTelemetry('no-callback')),
  scene('memory_cache_wins', 'app_hit_ratio', withTelemetry('two-registrations')),
  scene('no_distributed_cache', 'app_hit_ratio', withTelemetry('no-distributed-cache')),
  scene('l1_cache_off', 'app_latency', withTelemetry('l1-off')),
  scene('l1_cache_unbounded', 'app_memory_growth', withTelemetry('l1-unbounded')),
  scene('scopes_not_configured', 'app_failures', withTelemetry('scopes-differ')),
  scene('application_name_missing', 'app_unreadable_entries', withTelemetry('no-application-name')),
  scene('tcp_refused abort_connect', '', async () =>
    bothSides('abort-connect', cacheSettings(`127.0.0.1:${await freePort()}`, { instanceName: 'web:' })),
  ),
  scene('own_purge_on expired_backlog expiry_index_missing', 'app_purge_runs', async () => {
    await createEndpointCache(database, { index: false });
    await fillEndpoint(database, [...entries(30), ...entries(20, () => ({ expiresInMs: -30 * dayMs }))]);
    await database.query(
      `insert into sys.query_store values ('DELETE FROM [dbo].[TokenCache] WHERE @UtcNow > ExpiresAtTime', (extract(epoch from now()) * 10000000)::bigint + 621355968000000000, 90000000, 0, 7, 90000000)`,
    );
    const env = cacheSettings(endpoint().connectionString('Encrypt=False'), { table: 'dbo.TokenCache' });
    return bothSides('own-purge', env);
  }),
];

const onServers: Scene[] = [
  scene(
    'encrypt_with_own_keys',
    'key_not_in_ring',
    onRedis('encrypt-own-keys', { all: () => [...encrypted(rings[0]?.keyId), ...encrypted(randomUUID(), 5)] }),
  ),
  scene(
    'ring_differs',
    'key_not_in_ring several_rings',
    onRedis('sound-redis-encrypted', {
      ringCount: 2,
      all: () => [...rings.flatMap(({ keyId }) => encrypted(keyId)), ...encrypted(randomUUID(), 5)],
    }),
  ),
  scene('encrypt_without_data_protection', 'plain', onRedis('encrypt-without-protection', { all: () => entries(30) })),
  scene(
    'user_entries_never_expire memory',
    'entries_never_expire keys_without_ttl',
    onRedis('no-expiry-redis', {
      all: () => entries(40, () => ({ expiresInMs: 0, slidingSeconds: null })),
      nearlyFull: true,
    }),
  ),
  scene(
    'no_distributed_cache persistence',
    'user',
    onRedis('no-distributed-cache', { args: ['--maxmemory', '200mb', '--maxmemory-policy', 'volatile-lru'] }),
  ),
  scene(
    'callback_waits_in_vain foreign_format empty_values',
    '',
    onRedis('callback-in-vain', {
      all: () => [
        ...entries(30),
        ...entries(3, () => ({ value: plainValue().subarray(0, 500) })),
        ...entries(2, () => ({ value: Buffer.alloc(0) })),
      ],
    }),
  ),
  scene(
    'app_reads_plain_alone plain_and_encrypted',
    'encrypted',
    onRedis('no-callback', { all: () => [...entries(30), ...encrypted(rings[0]?.keyId)] }),
  ),
  scene(
    'expiry_shorter_than_token keys_differ_in_tenant keys_differ_in_case',
    'sliding_shorter_than_token',
    onRedis('expiry-short', {
      all: () => {
        const [user, object, upper] = [randomUUID(), randomUUID(), `abcdef01${userKey().slice(8)}`];
        return [
          ...entries(30, () => ({ slidingSeconds: 1_200, expiresInMs: 1_100_000 })),
          ...pair(`${object}.${user}`, `${object}.${randomUUID()}`),
          ...pair(upper, upper.toUpperCase()),
        ];
      },
    }),
  ),
  scene(
    'l1_cache_off eviction_policy large_entries',
    '',
    onRedis('l1-off', {
      args: ['--maxmemory', '200mb', '--maxmemory-policy', 'noeviction', '--appendonly', 'yes'],
      all: () => [...entries(30), ...entries(10, () => ({ value: plainValue({ tokens: 200, size: 3_000 }) }))],
    }),
  ),
  scene('instance_name_differs', '', onRedis('no-callback', { all: () => entries(30), instanceName: 'other:' })),
];

const text = readFileSync(join(root, 'docs/web-app.md'), 'utf8');
const [article = '', runbook = ''] = text.split('\n## Where the article is wrong')[0]?.split('\n## The symptoms') ?? [];
/** `[what the line is about, the causes that it names]`. */
const linesOf = (table: string): [string, string[]][] =>
  [...table.matchAll(/^\| (.*`.*) \|$/gm)].map(([line, cells = '']) => [
    cells.split(' | ')[0] ?? '',
    [...line.matchAll(/`(\w+)`/g)].map(([, cause = '']) => cause),
  ]);

/** Every cause that is told, in a finding of its own or within one of both sides. */
const namedIn = (reports: readonly CheckReport[]) =>
  reports
    .filter(({ status }) => status === 'warning' || status === 'critical')
    .flatMap(({ cause, evidence }) => [cause, ...evidence.map(({ value }) => value)]);

describe.skipIf(!redisFound)('the diagnosis names what the table of the web app says', () => {
  const all = [...scenes, ...onServers];

  it.each([...linesOf(article), ...linesOf(runbook)])('%s', async (_, causes) => {
    expect(causes.length).toBeGreaterThan(1);
    for (const cause of causes) {
      const showing = all.filter(({ shows, joined }) => [...shows, ...joined].includes(cause));
      expect(showing, cause).not.toEqual([]);
      for (const { reports } of showing) expect(namedIn(await reports()), cause).toContain(cause);
    }
  });

  it.each(all.filter(({ joined }) => joined.length > 0))(
    '$shows.0 by the evidence of both sides: $joined',
    async ({ shows: [cause], joined, reports }) => {
      const checks = await reports();
      const found = checks.find((each) => each.cause === cause);
      expect(found?.evidence).toContainEqual(
        expect.objectContaining({ value: expect.stringMatching(/^\w+\.cs:\d+$/) }),
      );
      for (const sign of joined) {
        const told = found?.evidence.map(({ what, value }) => `${what} ${value}`).join('\n');
        expect(told).toMatch(new RegExp(`(cache|web app of|key ring) web.*\\b${sign}\\b`));
        expect(checks.map((each) => each.cause)).not.toContain(sign);
      }
    },
  );

  it('on the command line, whose diagnosis asks the workspace itself', async () => {
    const [logs, identity, server] = await Promise.all([
      startLogAnalytics({
        AppMetrics: [msal(new Date(), 300, miss)],
        AppExceptions: [],
        AppTraces: [],
        AppRequests: [],
      }),
      startManagedIdentity(),
      startRedis({ args: persistent }),
    ]);
    const { workspace } = logs;
    const cache = cacheSettings(`127.0.0.1:${server.port}`, {
      instanceName: 'web:',
      app: { workspace, role: appRole },
    });
    const args = ['diagnose', '--app', join(samples, 'two-registrations'), '--cache', 'all', '--json'];
    const env = { ...cache, ...logs.settings, ...identity.settings, RECORD_STORE: 'none' };
    const { code, stdout, stderr } = await run('bin/token-cache.js', args, env);
    await Promise.all([logs.stop(), identity.stop()]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const { checks } = JSON.parse(stdout).report as { checks: CheckReport[] };
    const found = checks.find(({ cause }) => cause === 'memory_cache_wins');
    expect(found?.subject).toMatch(/^app .*two-registrations, cache web, web app of web$/);
    expect(namedIn(found ? [found] : [])).toContain('app_hit_ratio');
  });

  it('for each section of the article and each symptom', () => {
    expect(linesOf(article)).toHaveLength(15);
    const ofTool: Symptom = 'maintenance';
    const titles = Object.entries(symptoms).flatMap(([name, { title }]) => (name === ofTool ? [] : [title]));
    expect(linesOf(runbook).map(([title]) => /\[(.+)\]/.exec(title)?.[1])).toEqual(titles);
  });
});
