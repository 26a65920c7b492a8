/** A managed Redis whose INFO names no maximum: from a setting, or from Azure Monitor. Against stand-ins; see their headers. */
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { monitorMetrics } from '../../src/lib/redis/azureMonitor/monitorMetrics.ts';
import { entraLogin } from '../../src/lib/redis/entraLogin.ts';
import { type AzureMonitor, startAzureMonitor } from '../support/azureMonitor.ts';
import { root } from '../support/childProcess.ts';
import { startManagedRedis } from '../support/managedRedis.ts';
import { redisFound, startRedis, stopAllRedisServers } from '../support/redisServer.ts';
import { defaultPolicy, findingOf, nodeOf, testWatch } from '../support/redisWatch.ts';

const resourceId = '/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Cache/redisEnterprise/contoso';

describe('a managed Redis', () => {
  let node: string;
  let server: Server;
  let monitor: AzureMonitor;
  beforeEach(async () => {
    const info = await readFile(`${root}/test/fixtures/redis-info/redis-enterprise-6.0.txt`, 'utf8');
    ({ node, server } = await startManagedRedis(info));
    monitor = await startAzureMonitor();
  });
  afterEach(async () => {
    server.close();
    await monitor.stop();
  });

  const scopes: string[] = [];
  const metrics = () =>
    monitorMetrics({
      resourceId,
      endpoint: monitor.endpoint,
      credential: {
        getToken: async (scope) => {
          scopes.push(...[scope].flat());
          return { token: 'token-1', expiresOnTimestamp: Date.now() + 3_600_000 };
        },
      },
      clock: systemClock,
      client: { tlsOptions: { ca: monitor.ca } },
    });
  const look = (changes: object) => testWatch(`${node},abortConnect=False`, changes).look();

  it('says what is missing where nothing names the maximum', async () => {
    const report = await look({});
    expect(nodeOf(report).memory).toMatchObject({ maxBytes: null, utilization: null, maxFrom: null });
    expect(findingOf(report, 'noMemoryLimit')).toMatchObject({ level: 'info' });
    expect(findingOf(report, 'noMemoryLimit')?.advice).toContain('TOKEN_CACHE_MAX_MEMORY');
  });

  it('takes the maximum from a setting, and then does not ask Azure Monitor', async () => {
    const report = await look({ maxMemoryBytes: 1_100_000_000, resource: metrics() });
    expect(nodeOf(report).memory).toMatchObject({ maxBytes: 1_100_000_000, maxFrom: 'setting' });
    expect(findingOf(report, 'redis-memory-critical')).toBeDefined();
    expect(monitor.requests).toEqual([]);
  });

  it('takes it from the newest measurement of Azure Monitor', async () => {
    monitor.points = { usedmemory: [5e8, 8e8, undefined], usedmemorypercentage: [50, 80, undefined] };
    const report = await look({ resource: metrics() });
    expect(nodeOf(report).memory).toMatchObject({
      usedBytes: 8e8,
      maxBytes: 1e9,
      utilization: 0.8,
      maxFrom: 'azureMonitor',
    });
    expect(findingOf(report, 'redis-memory-high')).toBeDefined();
    expect(findingOf(report, 'noMemoryLimit')).toBeUndefined();
    const [request] = monitor.requests;
    // It asks the one resource: the batch API would need the role on the subscription.
    expect(request?.path).toBe(`${resourceId}/providers/Microsoft.Insights/metrics`);
    expect(request?.authorization).toBe('Bearer token-1');
    expect(request?.query.get('metricnamespace')).toBe('Microsoft.Cache/redisEnterprise');
    expect(request?.query.get('interval')).toBe('PT5M');
  });

  it('asks for a token of Azure Resource Manager', async () => {
    const credential = {
      getToken: async (scope: string | string[]) => {
        scopes.push(...[scope].flat());
        throw new Error('no identity');
      },
    };
    const endpoint = 'https://management.azure.com/';
    const asked = monitorMetrics({ resourceId, endpoint, credential, clock: systemClock });
    await expect(asked(AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'resource_metrics_unavailable',
    });
    expect(scopes).toContain('https://management.azure.com/.default');
  });

  it('goes on without Azure Monitor, and says why', async () => {
    monitor.status = 403;
    const report = await look({ resource: metrics() });
    expect(findingOf(report, 'resourceMetrics')).toMatchObject({ level: 'warning' });
    expect(findingOf(report, 'resourceMetrics')?.what).toContain('403');
    monitor.status = 200;
    expect(findingOf(await look({ resource: metrics() }), 'resourceMetrics')?.what).toContain('no measurement');
  });

  it('does not wait for Azure Monitor beyond the deadline', async () => {
    const resource = monitorMetrics({
      resourceId,
      endpoint: 'https://192.0.2.1',
      credential: { getToken: () => new Promise<null>(() => undefined) },
      clock: systemClock,
    });
    const report = await look({ resource, policy: { ...defaultPolicy, timeoutMs: 2_000 } });
    expect(findingOf(report, 'resourceMetrics')?.what).toContain('no answer in time');
  });
});

describe.skipIf(!redisFound)('a login by Entra', () => {
  afterEach(stopAllRedisServers);

  it('takes the token as the password on a real server', async () => {
    const redis = await startRedis();
    const claims = Buffer.from(JSON.stringify({ oid: 'object-1' })).toString('base64url');
    await redis.client.call('ACL', 'SETUSER', 'object-1', 'on', `>e30.${claims}.s`, '~*', '+info', '+ping', '+config');
    await redis.client.call('ACL', 'SETUSER', 'default', 'off');
    const token = { token: `e30.${claims}.s`, expiresOnTimestamp: Date.now() + 3_600_000 };
    const login = entraLogin(async () => token, systemClock, undefined);
    const watch = (options: object) => testWatch(`${redis.node},abortConnect=False`, {}, options).look();
    expect(findingOf(await watch({ login }), 'redis-unreachable')).toBeUndefined();
    const failing = entraLogin(() => Promise.reject(new Error('none')), systemClock, undefined);
    expect(findingOf(await watch({ login: failing }), 'redis-unreachable')).toMatchObject({ step: 'authentication' });
  });
});
