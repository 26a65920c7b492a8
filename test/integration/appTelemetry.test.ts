/**
 * The look at a web app's telemetry, by Microsoft's client and by queries that are run: on rows as Application Insights writes them.
 * The workspace is a stand-in; see its header.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppReport } from '../../src/lib/appTelemetry/appReport.ts';
import { watchApp } from '../../src/lib/appTelemetry/watchApp.ts';
import {
  appPolicy,
  appRole,
  dayOfAnApp,
  expired,
  failure,
  l1Hit,
  l2Hit,
  latency,
  logged,
  metric,
  miss,
  msal,
  signIn,
} from '../support/appRows.ts';
import type { Row } from '../support/kustoRun.ts';
import { type LogAnalytics, openTestWorkspace, startLogAnalytics } from '../support/logAnalytics.ts';

const now = new Date('2026-11-24T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

let logs: LogAnalytics;
beforeEach(async () => {
  logs = await startLogAnalytics(dayOfAnApp(now));
});
afterEach(() => logs.stop());

async function look(changes: Partial<Parameters<typeof watchApp>[0]> = {}, signal?: AbortSignal): Promise<AppReport> {
  const workspace = await openTestWorkspace(logs, signal);
  return watchApp({ workspace, role: appRole, policy: appPolicy, now, ...changes });
}
const withMetrics = (...rows: Row[]) => {
  logs.tables = { ...dayOfAnApp(now), AppMetrics: rows };
};

describe('a look at a web app', () => {
  it('tells hits by level, misses, lost entries, refreshes, sign-ins and failures apart', async () => {
    withMetrics(
      msal(ago(5), 150, l1Hit),
      msal(ago(6), 30, l2Hit),
      msal(ago(7), 10, miss),
      msal(ago(8), 10, failure('user_null')),
      msal(ago(9), 40, expired),
      msal(ago(9), 4, { ...miss, CacheRefreshReason: 'ForceRefreshOrClaims' }),
      msal(ago(9), 3, { ...miss, CacheRefreshReason: 'ProactivelyRefreshed' }),
      msal(ago(10), 7, signIn),
      msal(ago(11), 2, failure('invalid_grant', '50076')),
      msal(ago(12), 3, failure('json_parse_failed')),
      // Before the time of the look: of the series alone.
      msal(ago(200), 1_000, miss),
    );
    const report = await look();
    expect(report.calls).toEqual({
      l1Hits: 150,
      l2Hits: 30,
      otherHits: 0,
      misses: 10,
      lost: 10,
      refreshes: 40,
      proactive: 3,
      bypassed: 4,
      signIns: 7,
      starts: 0,
      failures: 5,
    });
    expect(report.hitRatio).toEqual({ l1: 0.75, l2: 0.15, all: 0.9 });
    expect(report.failures).toEqual([
      { code: 'user_null', sts: null, calls: 10 },
      { code: 'json_parse_failed', sts: null, calls: 3 },
      { code: 'invalid_grant', sts: '50076', calls: 2 },
    ]);
    expect(report.unreadable.failures).toBe(3);
    expect(report.series[0]).toEqual({
      at: ago(200).toISOString(),
      calls: 1_000,
      signIns: 0,
      misses: 1_000,
      failures: 0,
    });
    // 64 tokens of the identity provider for users, and ten of these in the requests.
    expect(report).toMatchObject({ providerTokens: 64, users: 10, providerTokensPerUser: 6.4 });
  });

  it('leaves tokens of the app itself out of those for users', async () => {
    withMetrics(msal(ago(5), 50, { ...miss, ApiId: 'AcquireTokenForClient' }), msal(ago(5), 3, miss));
    expect(await look()).toMatchObject({ calls: { misses: 53 }, providerTokens: 3 });
  });

  it('gives latencies in milliseconds, of whichever unit the histogram is', async () => {
    withMetrics(
      msal(ago(5), 1, l1Hit),
      latency(ago(5), 'MsalDurationInL1CacheInUs.1B', 10, 15_500),
      latency(ago(5), 'MsalDurationInL2Cache.1A', 4, 40),
      latency(ago(6), 'MsalDurationInL2Cache.1A', 4, 60),
    );
    expect(await look()).toMatchObject({
      l1Latency: { calls: 10, meanMs: 15.5, maxMs: 15.5 },
      l2Latency: { calls: 8, meanMs: 50, maxMs: 60 },
    });
  });

  it('tells an entry that cannot be read from a cache that fails, which have one event id', async () => {
    logs.tables = {
      ...dayOfAnApp(now),
      AppExceptions: [
        logged(ago(3), 2, 'Microsoft.Identity.Client.MsalClientException', true),
        logged(ago(3), 2, 'Microsoft.Identity.Client.MsalClientException', true),
        logged(ago(3), 2, 'Microsoft.Identity.Client.MsalClientException', false),
        logged(ago(4), 3, 'StackExchange.Redis.RedisConnectionException'),
      ],
    };
    const { unreadable, storeErrors } = await look();
    expect(unreadable).toMatchObject({ encrypting: 2, plain: 1 });
    expect(storeErrors).toEqual([{ type: 'StackExchange.Redis.RedisConnectionException', count: 1 }]);
  });

  it('sees a process that grows, and takes neither its first hour nor one that has stopped for growth', async () => {
    const instance = (name: string, hours: number[], bytes: (hour: number) => number) =>
      hours.map((hour) => ({
        ...metric(ago(hour * 60 + 1), 'dotnet.process.memory.working_set', { Sum: bytes(hour), ItemCount: 1 }),
        AppRoleInstance: name,
      }));
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
    withMetrics(
      msal(ago(5), 1, l1Hit),
      ...instance('grows', range(0, 12), (hour) => 500e6 - hour * 20e6),
      ...instance('starts', range(0, 2), (hour) => 300e6 - hour * 200e6),
      ...instance('stopped', range(5, 15), (hour) => 900e6 - hour * 50e6),
    );
    expect((await look()).memory).toEqual({ instances: 2, largestBytes: 500e6, bytesPerHour: 20e6 });
  });

  it('lists the versions that were at work, the newest first', async () => {
    withMetrics(msal(ago(300), 5, l1Hit, '1.0.0'), msal(ago(20), 5, l1Hit, '1.0.0'), msal(ago(62), 5, l1Hit, '1.1.0'));
    expect((await look()).versions).toEqual([
      { version: '1.1.0', since: ago(65).toISOString() },
      { version: '1.0.0', since: ago(300).toISOString() },
    ]);
  });

  it('says unknown, never zero, where nothing arrives', async () => {
    logs.tables = {
      AppMetrics: [{ ...msal(ago(5), 9, l1Hit), AppRoleName: 'other-app' }],
    };
    expect(await look()).toMatchObject({
      calls: null,
      hitRatio: null,
      l1Latency: null,
      l2Latency: null,
      failures: null,
      unreadable: { failures: null, encrypting: null, plain: null },
      storeErrors: null,
      users: null,
      providerTokens: null,
      providerTokensPerUser: null,
      memory: null,
      series: [],
      otherRoles: ['other-app'],
      partial: [],
    });
  });

  it('needs no table: a new workspace has none', async () => {
    logs.tables = {};
    expect(await look()).toMatchObject({ calls: null, otherRoles: [] });
  });

  it('gives no ratio of a few look-ups', async () => {
    withMetrics(msal(ago(5), 60, l1Hit), msal(ago(5), 39, miss));
    expect(await look()).toMatchObject({ calls: { l1Hits: 60, misses: 39 }, hitRatio: null });
  });

  it('takes a part of an answer for none, and says of what', async () => {
    logs.moods = ['partial'];
    expect(await look()).toMatchObject({ partial: ['calls'], calls: null, failures: null, users: 10 });
  });

  it('lets nothing about a person out of the workspace', async () => {
    logs.tables = {
      ...dayOfAnApp(now),
      AppMetrics: [...(dayOfAnApp(now).AppMetrics ?? []), msal(ago(5), 1, failure('no such user: jane@contoso.com'))],
      AppExceptions: [logged(ago(3), 2, 'Microsoft.Identity.Client.MsalClientException', true)],
    };
    const report = JSON.stringify(await look());
    expect(report).not.toMatch(/user-\d|oid-1|jane|instance-1/);
    // What leaves the workspace is what the last step of a query names.
    for (const { query } of logs.asked)
      expect(query.split('\n').at(-1)).not.toMatch(/CacheKey|User\w*Id|Message|Properties|AppRoleInstance$/);
  });

  it('asks only for the time that it needs, with a token of the API', async () => {
    const scopes: string[] = [];
    const workspace = await openTestWorkspace(logs, undefined, scopes);
    await watchApp({ workspace, role: appRole, policy: appPolicy, now });
    expect(new Set(scopes)).toEqual(new Set([`${logs.endpoint}/.default`]));
    expect(new Set(logs.asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer token-1']));
    expect(logs.asked.map(({ timespan }) => timespan)).toEqual([
      `${ago(360).toISOString()}/${now.toISOString()}`,
      `${ago(60).toISOString()}/${now.toISOString()}`,
      `${ago(60).toISOString()}/${now.toISOString()}`,
      `${ago(60).toISOString()}/${now.toISOString()}`,
      `${ago(24 * 60).toISOString()}/${now.toISOString()}`,
    ]);
  });

  it('takes a role by whatever name, as data', async () => {
    await look({ role: 'a" or 1 == 1 //\\' });
    expect(logs.asked.length).toBeGreaterThan(0);
    expect(logs.asked[0]?.query).toContain(String.raw`AppRoleName =~ "a\" or 1 == 1 //\\"`);
  });
});

describe('a workspace that says no', () => {
  it('is asked again where it is throttled, as it says', async () => {
    logs.moods = ['throttled'];
    expect((await look()).calls).not.toBeNull();
    expect(logs.asked).toHaveLength(6);
  });

  it('and goes on being throttled, is busy', async () => {
    logs.moods = Array.from({ length: 20 }, () => 'throttled' as const);
    await expect(look()).rejects.toMatchObject({ code: 'app_workspace_busy' });
  });

  it('names the role that is missing', async () => {
    logs.moods = ['forbidden'];
    await expect(look()).rejects.toMatchObject({
      code: 'app_workspace_forbidden',
      advice: expect.stringContaining('Log Analytics Data Reader'),
    });
  });

  it('is missing', async () => {
    logs.workspace = '00000000-0000-4000-8000-000000000000';
    await expect(look()).rejects.toMatchObject({ code: 'app_workspace_missing' });
  });

  it('cannot be reached', async () => {
    const workspace = await openTestWorkspace({ ...logs, endpoint: 'https://127.0.0.1:1' });
    await expect(watchApp({ workspace, role: appRole, policy: appPolicy, now })).rejects.toMatchObject({
      code: 'app_workspace_unavailable',
    });
  });

  it('gives no answer: the request ends with its signal', async () => {
    logs.moods = ['silent'];
    const stop = new AbortController();
    const looking = look({}, stop.signal);
    await expect.poll(() => logs.asked.length).toBe(1);
    stop.abort();
    await expect(looking).rejects.toMatchObject({ code: 'app_workspace_unavailable' });
  });
});
