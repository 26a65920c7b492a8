import { byName } from '../../byName.ts';

/** Names of the libraries, as the reader needs them. */

/** The options that a registration's lambda is given, by the name of the registration. */
export const optionsOfCalls = byName<readonly string[]>({
  AddStackExchangeRedisCache: ['RedisCacheOptions'],
  AddDistributedSqlServerCache: ['SqlServerCacheOptions'],
  AddDistributedPostgresCache: ['PostgresCacheOptions'],
  AddMemoryCache: ['MemoryCacheOptions'],
  AddDistributedMemoryCache: ['MemoryDistributedCacheOptions'],
  AddDataProtection: ['DataProtectionOptions'],
  AddInMemoryTokenCaches: ['MsalMemoryTokenCacheOptions', 'MemoryCacheOptions'],
  AddDistributedTokenCaches: ['MsalDistributedTokenCacheAdapterOptions'],
});

/** Options that are read wherever a method, a variable or a class is given them. */
export const readOptions: ReadonlySet<string> = new Set([
  ...Object.values(optionsOfCalls).flat(),
  'MsalDistributedTokenCacheAdapterOptions',
  'KeyManagementOptions',
]);

/** Registrations of the frameworks, and of libraries that are often beside them, that register no cache and no Data Protection. */
const harmless = [
  'Authentication|Authorization|Microsoft(Identity|Graph|Account)|Downstream|Token(Caches|Acquisition)|InMemory(TokenCaches|Collection)',
  'Distributed(RedisCache|TokenCaches|MemoryCache|SqlServerCache|PostgresCache|TokenCache)|StackExchangeRedisCache|MemoryCache|Session|DataProtection',
  'Controllers|Mvc|Razor|ServerSideBlazor|Interactive|Blazor|SignalR|Http|Cors|Routing|Response|Output|Request|HealthChecks|Check|Options',
  'Logging|Console|Debug|EventLog|ApplicationInsights|OpenTelemetry|Swagger|OpenApi|EndpointsApiExplorer|DbContext|Database|EntityFramework',
  'Identity|Default|Cookie|OpenIdConnect|JwtBearer|Json|Xml|Newtonsoft|ApplicationPart|View|Feature|Hsts|Antiforgery|Localization|DataAnnotations',
  'Singleton|Scoped|Transient|Keyed|HostedService|Azure|UserSecrets|EnvironmentVariables|CommandLine|IniFile|KeyPerFile|Grpc|ProblemDetails',
  'RateLimiter|Cascading|Google|Facebook|Twitter|OAuth|Certificate|Negotiate|ApiVersioning|Versioned|ApiExplorer|Policy|Scheme|Requirements|Filter|WebEncoders',
  'AutoMapper|MediatR|Serilog|NLog|Fluent|Hangfire|Quartz|MassTransit|Mud|Radzen|Refit|Polly|Resilience|Standard|Metrics|Tracing|Meter|Source|Otlp',
  'ApplicationCookie|Kestrel|Services|AppConfiguration|HostConfiguration|WebHost|All|Container|ServiceDiscovery|Worker|Functions|AgentIdentities|Validation|Await|Telemetry',
].join('|');
const harmlessCall = new RegExp(`^(Try)?(Add|Configure)(${harmless})`);

/** Calls that mean what the libraries make of them, also where a method of this name is in the source. */
export const libraryCalls =
  /^(Add(InMemory|Distributed|Session)TokenCaches?|AddStackExchangeRedisCache|AddDistributed(Memory|SqlServer|Postgres)Cache|AddMemoryCache|AddMicrosoftIdentityWeb(App|Api)\w*|EnableTokenAcquisitionToCallDownstreamApi|AddTokenAcquisition|AddDataProtection|AddAuthentication|(Persist|Protect|Unprotect)Keys\w+|SetApplicationName|(Post)?Configure|AddOptions)$/;

/** Whether a call may register something that the reader does not know: an extension of the app's own, which is not in the source. */
export function isOwnExtension(name: string): boolean {
  return (
    /^(Add|Register|Configure|Setup|SetUp|Install|With|Use)[A-Z]\w*$/.test(name) &&
    !/^(With|Use)/.test(name) &&
    !harmlessCall.test(name)
  );
}
