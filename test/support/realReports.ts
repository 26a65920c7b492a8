import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { watchApp } from '../../src/lib/appTelemetry/watchApp.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { pruneKeyRing } from '../../src/lib/keyRing/jobs/prune.ts';
import { revokeKeys } from '../../src/lib/keyRing/jobs/revoke.ts';
import { rewrapKeyRing } from '../../src/lib/keyRing/jobs/rewrap.ts';
import { ringStatus } from '../../src/lib/keyRing/jobs/ringStatus.ts';
import { rotateKeyRing } from '../../src/lib/keyRing/jobs/rotate.ts';
import { CertificateProtector } from '../../src/lib/keyRing/protectors/certificate.ts';
import { loadCertificate } from '../../src/lib/keyRing/protectors/certificateFile.ts';
import { clearRedisCache } from '../../src/lib/redis/clear.ts';
import { parseConnectionString } from '../../src/lib/redis/connectionString.ts';
import { openNode } from '../../src/lib/redis/line/ioredisNode.ts';
import { Secret } from '../../src/lib/secret.ts';
import { clearTable } from '../../src/lib/sql/clear.ts';
import { countEntries } from '../../src/lib/sql/counts.ts';
import { ensureExpiryIndex } from '../../src/lib/sql/ensureExpiryIndex.ts';
import { purge } from '../../src/lib/sql/purge.ts';
import { appPolicy, appRole, dayOfAnApp } from './appRows.ts';
import { selfSigned } from './certificates.ts';
import { openTestWorkspace, startLogAnalytics } from './logAnalytics.ts';
import { indexPolicy, purgeContext } from './policies.ts';
import { postgresEngine } from './postgresEngine.ts';
import { writeEntries } from './redisEntries.ts';
import { startRedis } from './redisServer.ts';
import { testWatch } from './redisWatch.ts';
import type { Reports } from './reports.ts';
import { day } from './ringBuilder.ts';
import type { TestDatabase } from './testDatabase.ts';
import { jobDeps, ringFolder, turnableClock } from './testRing.ts';

/** The reports of every job, by running each: on a PostgreSQL, on a Redis, and on a key ring over half a year. */
export async function realReports(database: TestDatabase): Promise<Record<keyof Reports, unknown>> {
  return { ...(await ofSql(database)), ...(await ofRedis()), ...(await ofApps()), ...(await ofRings()) };
}

async function ofSql(database: TestDatabase) {
  const test = await postgresEngine(database).create('public.tokencache');
  await test.insert(
    Array.from({ length: 4_000 }, (_, at) => ({
      id: String(at),
      expiresInMs: at < 2_500 ? -1_000 * (at + 120) : 60_000 * (at + 1),
      size: 200 + at,
    })),
  );
  const table = test.open();
  try {
    const context = purgeContext(table);
    return {
      index: await ensureExpiryIndex(table, indexPolicy, systemClock),
      purgePlan: await purge(context, { dryRun: true }),
      counts: await countEntries(table, systemClock),
      purge: await purge(context),
      clearPlan: await clearTable(context, 'web'),
      clear: await clearTable(context, 'web', { confirm: 'web' }),
    };
  } finally {
    await table.close();
  }
}

async function ofRedis() {
  const { client, node, stop } = await startRedis({
    args: ['--maxmemory', '4mb', '--maxmemory-policy', 'volatile-lru'],
  });
  try {
    await writeEntries(client, { count: 600, instanceName: 'web:', ttlSeconds: 3_600 });
    const watch = testWatch(node, { instanceName: 'web:' });
    await watch.look();
    await writeEntries(client, { count: 2_000, instanceName: 'web:', ttlSeconds: 3_600 });
    const seen = await watch.look();
    const connection = parseConnectionString(node);
    const login = async () => ({ user: connection.user, password: connection.password });
    const options = { ...connection, ca: undefined, timeoutMs: 5_000, login };
    const context = {
      connection,
      connect: (endpoint, signal) => openNode(endpoint, options, signal),
      open: (endpoint, signal) => openNode(endpoint, options, signal),
      instanceName: 'web:',
      ringKeys: [],
      otherPrefixes: [],
      policy: { timeBudgetMs: 60_000, timeoutMs: 5_000, keysPerCall: 500, pauseRatio: 0 },
      clock: systemClock,
    } satisfies Parameters<typeof clearRedisCache>[0];
    return {
      watch: seen,
      watchDown: await testWatch('127.0.0.1:1').look(),
      redisClearPlan: await clearRedisCache(context, 'web'),
      redisClear: await clearRedisCache(context, 'web', { confirm: 'web' }),
    };
  } finally {
    await stop();
  }
}

/** A web app over six hours, and a role of which the workspace has nothing. */
async function ofApps() {
  const logs = await startLogAnalytics(dayOfAnApp(ringsAt));
  try {
    const look = async (role: string) =>
      watchApp({ workspace: await openTestWorkspace(logs), role, policy: appPolicy, now: ringsAt });
    return { app: await look(appRole), appUnknown: await look('elsewhere') };
  } finally {
    await logs.stop();
  }
}

/** The rings of the reports: an expired key, a revoked one, the one in use, and its successor, as they are at `ringsAt`. */
const ringsAt = new Date('2026-11-24T03:12:00Z');

async function ofRings() {
  const { store, remove } = await ringFolder();
  const pfx = join(await mkdtemp(join(tmpdir(), 'reports-')), 'certificate.pfx');
  try {
    await writeFile(pfx, selfSigned('web').pfx);
    const certificate = await loadCertificate({ path: pfx, keyPath: undefined, password: new Secret('fixture') });
    const clock = turnableClock(ringsAt.getTime() - 190 * day);
    const deps = jobDeps({ store, clock, protector: new CertificateProtector([certificate]) });
    await rotateKeyRing(deps);
    clock.turn(100 * day);
    await rotateKeyRing(deps);
    clock.turn(10 * day);
    const { defaultKey } = await ringStatus(deps);
    const request = { target: { key: defaultKey ?? '' }, reason: 'a test' };
    const revokePlan = await revokeKeys(deps, 'web', request);
    const revoke = await revokeKeys(deps, 'web', { ...request, confirm: 'web' });
    clock.set(ringsAt.getTime() + 8 * day);
    const late = await ringStatus(deps);
    clock.set(ringsAt.getTime());
    const rotatePlan = await rotateKeyRing(deps, { dryRun: true });
    const rotate = await rotateKeyRing(deps);
    return {
      revokePlan,
      revoke,
      ringStatusLate: late,
      rotatePlan,
      rotate,
      ringStatus: await ringStatus(deps),
      rewrap: await rewrapKeyRing(deps, {}),
      prune: await pruneKeyRing(deps, { dryRun: true }),
    };
  } finally {
    await Promise.all([remove(), rm(dirname(pfx), { recursive: true })]);
  }
}
