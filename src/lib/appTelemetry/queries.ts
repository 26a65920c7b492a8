import { binMs, memoryMs, seriesMs } from './policy.ts';

/**
 * The queries of an app's telemetry in the Log Analytics workspace of its Application Insights. Names, units and tags are MSAL's
 * (meter MicrosoftIdentityClient_Common_Meter) and the token cache adapter's of Microsoft.Identity.Web, as the exporters write them: test/interop/appTelemetry
 * runs both. What a query gives are counts, times, and names of software: no key, no user, no text.
 *
 * A new workspace has none of the tables until their first row: of each union one leg always resolves.
 */
export const queryNames = ['calls', 'latencies', 'logs', 'users', 'memory', 'roles'] as const;
export type QueryName = (typeof queryNames)[number];

/** What the queries ask for: a role, and a time. */
export interface Question {
  role: string;
  to: Date;
  windowMs: number;
}

/** The category under which the adapter logs, and its event: a warning for an entry that cannot be read, an error for a failing cache. */
const category = 'Microsoft.Identity.Web.TokenCacheProviders.Distributed.MsalDistributedTokenCacheAdapter';
const event = '103';

/** The time of the rows that a query reads, in ms. */
export function spanOf(name: QueryName, windowMs: number): number {
  if (name === 'memory' || name === 'roles') return memoryMs;
  return name === 'calls' ? Math.max(seriesMs, windowMs) : windowMs;
}

export function queryText(name: QueryName, { role, to, windowMs }: Question): string {
  const from = new Date(to.getTime() - spanOf(name, windowMs));
  const within = `TimeGenerated >= datetime(${from.toISOString()}) and TimeGenerated < datetime(${to.toISOString()})`;
  return texts[name](within, `AppRoleName =~ ${literal(role)}`);
}

/** A string literal of KQL. */
function literal(text: string): string {
  return JSON.stringify(text);
}

const metrics =
  'union isfuzzy=true (datatable(TimeGenerated: datetime, Name: string, Sum: real, Max: real, ItemCount: int, Properties: dynamic, AppRoleName: string, AppRoleInstance: string, AppVersion: string)[]), AppMetrics';

/** A name of software, as it is; whatever else stands there leaves the workspace as `other`. */
const nameOf = (column: string) =>
  `iff(tostring(${column}) matches regex @"^[A-Za-z0-9_.+]{0,100}$", tostring(${column}), "other")`;

const texts: Record<QueryName, (within: string, ofRole: string) => string> = {
  // Counters come as what was added since the last export.
  calls: (within, ofRole) => `${metrics}
| where ${within} and ${ofRole} and Name in ("MsalSuccess", "MsalFailure")
| extend Source = tostring(Properties.TokenSource), Reason = tostring(Properties.CacheRefreshReason), Level = tostring(Properties.CacheLevel)
| extend Api = tostring(Properties.ApiId), Code = ${nameOf('Properties.ErrorCode')}, Sts = tostring(Properties.RawStsErrorCode), Version = AppVersion
| summarize Calls = sum(Sum) by At = bin(TimeGenerated, ${binMs / 60_000}m), Name, Source, Reason, Level, Api, Code, Sts, Version`,

  // A histogram comes as sum, count, smallest and largest, without its buckets.
  latencies: (within, ofRole) => `${metrics}
| where ${within} and ${ofRole} and Name in ("MsalDurationInL1CacheInUs.1B", "MsalDurationInL2Cache.1A")
| summarize Total = sum(Sum), Calls = sum(ItemCount), Longest = max(Max) by Name`,

  // A record with an exception is one of AppExceptions. The times that these records tell are wrong on Linux, and are not read.
  logs: (
    within,
    ofRole,
  ) => `union isfuzzy=true (datatable(TimeGenerated: datetime, Properties: dynamic, SeverityLevel: int, ExceptionType: string, ItemCount: int, AppRoleName: string)[]), AppExceptions, AppTraces
| where ${within} and ${ofRole}
| extend IsCache = tostring(Properties.CategoryName) == "${category}" and tostring(Properties.EventId) == "${event}"
| extend Severity = iff(IsCache, SeverityLevel, int(-1)), Encrypting = iff(IsCache, tostring(Properties.EncryptionEnabled), ""), Thrown = iff(IsCache, ${nameOf('ExceptionType')}, "")
| summarize Records = sum(ItemCount) by Severity, Encrypting, Thrown`,

  users: (
    within,
    ofRole,
  ) => `union isfuzzy=true (datatable(TimeGenerated: datetime, UserAuthenticatedId: string, UserId: string, AppRoleName: string)[]), AppRequests
| where ${within} and ${ofRole}
| extend Whom = iff(isnotempty(UserAuthenticatedId), UserAuthenticatedId, UserId)
| where isnotempty(Whom)
| summarize Users = dcount(Whom)`,

  // .NET's own gauge, that of OpenTelemetry's instrumentation, and the counter of Application Insights.
  memory: (
    within,
    ofRole,
  ) => `union isfuzzy=true (datatable(TimeGenerated: datetime, Name: string, Sum: real, ItemCount: int, Value: real, AppRoleName: string, AppRoleInstance: string)[]), AppMetrics, AppPerformanceCounters
| where ${within} and ${ofRole} and Name in ("dotnet.process.memory.working_set", "process.memory.usage", "Private Bytes")
| extend Used = iff(Name == "Private Bytes", Value, Sum / ItemCount)
| summarize Bytes = avg(Used) by At = bin(TimeGenerated, 1h), AppRoleInstance, Name
| order by At asc
| summarize Times = make_list(At), Values = make_list(Bytes) by AppRoleInstance, Name
| project Name, Times, Values`,

  roles: (within) => `${metrics}
| where ${within} and Name in ("MsalSuccess", "MsalFailure")
| summarize Calls = sum(Sum) by Role = AppRoleName
| top 5 by Calls desc`,
};
