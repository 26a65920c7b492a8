/** Rows of a Log Analytics workspace as Application Insights writes them of a web app; their shape is that of test/interop/appTelemetry. */
import type { Row, Tables } from './kustoRun.ts';

export const appRole = 'web';

/** One export of a counter of MSAL. */
export function msal(at: Date, calls: number, tags: Record<string, string>, version = '1.0.0'): Row {
  const failed = 'ErrorCode' in tags;
  return metric(at, failed ? 'MsalFailure' : 'MsalSuccess', { Sum: calls, ItemCount: 1 }, tags, version);
}

export const l1Hit = {
  TokenSource: 'Cache',
  CacheRefreshReason: 'NotApplicable',
  CacheLevel: 'L1Cache',
  ApiId: 'AcquireTokenSilent',
};
export const l2Hit = { ...l1Hit, CacheLevel: 'L2Cache' };
export const miss = {
  TokenSource: 'IdentityProvider',
  CacheRefreshReason: 'NoCachedAccessToken',
  CacheLevel: 'None',
  ApiId: 'AcquireTokenSilent',
};
export const expired = { ...miss, CacheRefreshReason: 'Expired' };
export const signIn = { ...miss, CacheRefreshReason: 'NotApplicable', ApiId: 'AcquireTokenByAuthorizationCode' };
export const failure = (ErrorCode: string, RawStsErrorCode = '') => ({
  ErrorCode,
  RawStsErrorCode,
  CacheRefreshReason: 'NotApplicable',
  ApiId: 'AcquireTokenSilent',
});

export function metric(at: Date, name: string, values: Row, tags: Record<string, string> = {}, version = '1.0.0'): Row {
  return {
    TimeGenerated: at.getTime(),
    Name: name,
    ...values,
    Properties: tags,
    AppRoleName: appRole,
    AppRoleInstance: 'instance-1',
    AppVersion: version,
  };
}

/** Durations of `count` calls that take `ms` each. */
export function latency(at: Date, name: string, count: number, each: number): Row {
  return metric(at, name, { Sum: count * each, Max: each, ItemCount: count });
}

/** A record of the token cache adapter, which has an exception. */
export function logged(at: Date, severity: number, type: string, encrypting?: boolean): Row {
  return {
    TimeGenerated: at.getTime(),
    SeverityLevel: severity,
    ExceptionType: type,
    ItemCount: 1,
    AppRoleName: appRole,
    Properties: {
      CategoryName: 'Microsoft.Identity.Web.TokenCacheProviders.Distributed.MsalDistributedTokenCacheAdapter',
      EventId: '103',
      ...(encrypting !== undefined && { EncryptionEnabled: encrypting ? 'True' : 'False', CacheKey: 'oid-1.tid-1' }),
    },
  };
}

export const appPolicy = { windowMs: 3_600_000, timeoutMs: 30_000, leastCalls: 100 };

/** A web app that is well, for six hours up to `now`: calls each 5 minutes, memory each hour. */
export function dayOfAnApp(now: Date): Tables {
  const at = (minutesAgo: number) => new Date(now.getTime() - minutesAgo * 60_000);
  const each5Minutes = Array.from({ length: 72 }, (_, index) => at(index * 5 + 2));
  return {
    AppMetrics: [
      ...each5Minutes.flatMap((time) => [
        msal(time, 90, l1Hit),
        msal(time, 8, l2Hit),
        msal(time, 2, miss),
        msal(time, 3, expired),
        msal(time, 2, signIn),
        msal(time, 1, failure('invalid_grant', '50076')),
        latency(time, 'MsalDurationInL1CacheInUs.1B', 90, 900),
        latency(time, 'MsalDurationInL2Cache.1A', 8, 12),
      ]),
      ...Array.from({ length: 10 }, (_, hour) =>
        metric(at(hour * 60 + 1), 'dotnet.process.memory.working_set', { Sum: 200e6, ItemCount: 1 }),
      ),
    ],
    AppExceptions: [],
    AppTraces: [{ ...logged(at(3), 1, ''), Properties: { CategoryName: 'Program' } }],
    AppRequests: Array.from({ length: 30 }, (_, user) => ({
      TimeGenerated: at(user + 1).getTime(),
      UserAuthenticatedId: `user-${user % 10}`,
      UserId: '',
      AppRoleName: appRole,
    })),
    AppPerformanceCounters: [],
  };
}
