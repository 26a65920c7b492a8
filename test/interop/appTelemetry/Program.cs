// A web app's calls for tokens, by Microsoft's own libraries, and what they tell of it: metrics to an OTLP collector, metrics and logs to
// the ingestion endpoint of Application Insights. Arguments: the collector's address, a connection string of Application Insights.
// Says what MSAL itself said of each call, one a line.
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Identity.Client;
using Microsoft.Identity.Web.TokenCacheProviders;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

var (collector, connectionString) = (args[0], args[1]);
const string tenant = "22222222-2222-2222-2222-222222222222";
string[] scopes = ["https://graph.microsoft.com/.default"];
var resource = ResourceBuilder.CreateDefault().AddService("web", serviceVersion: "1.2.3", serviceInstanceId: "instance-1");

using var endpoint = new TokenEndpoint();
var store = new Store();
using var meters = Sdk.CreateMeterProviderBuilder()
    .SetResourceBuilder(resource)
    .AddMeter("MicrosoftIdentityClient_Common_Meter", "System.Runtime")
    .AddOtlpExporter(options =>
    {
        options.Endpoint = new Uri($"{collector}/v1/metrics");
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
    })
    .AddAzureMonitorMetricExporter(options => options.ConnectionString = connectionString)
    .Build();
using var logs = LoggerFactory.Create(builder => builder.AddOpenTelemetry(options =>
{
    options.SetResourceBuilder(resource);
    options.AddAzureMonitorLogExporter(exporter => exporter.ConnectionString = connectionString);
}));

var app = NewInstance();
await Call("miss", () => app.AcquireTokenForClient(scopes).ExecuteAsync());
await Call("L1 hit", () => app.AcquireTokenForClient(scopes).ExecuteAsync());
await Call("L1 hit", () => app.AcquireTokenForClient(scopes).ExecuteAsync());
await Call("forced", () => app.AcquireTokenForClient(scopes).WithForceRefresh(true).ExecuteAsync());
await Call("L2 hit", () => NewInstance().AcquireTokenForClient(scopes).ExecuteAsync());

var users = NewInstance(ofUsers: true);
await Call("sign-in", () => users.AcquireTokenByAuthorizationCode(["user.read"], "code").ExecuteAsync());
var account = await users.GetAccountAsync($"11111111-1111-1111-1111-111111111111.{tenant}");
await Call("L1 hit", () => users.AcquireTokenSilent(["scope"], account).ExecuteAsync());
await Call("miss", () => users.AcquireTokenSilent(["other"], account).ExecuteAsync());
await Call("lost", () => users.AcquireTokenSilent(["scope"], (IAccount?)null).ExecuteAsync());
await Call("miss", () => users.AcquireTokenOnBehalfOf(scopes, new UserAssertion("assertion")).ExecuteAsync());
await Call("refused", () => users.AcquireTokenOnBehalfOf(scopes, new UserAssertion("refused")).ExecuteAsync());

await Call("unreadable", () => NewInstance(encrypts: true, writesFirst: true).AcquireTokenForClient(scopes).ExecuteAsync());
store.Garble();
await Call("unreadable", () => NewInstance().AcquireTokenForClient(scopes).ExecuteAsync());
store.Clear();
store.Fails = true;
await Call("store fails", () => NewInstance().AcquireTokenForClient(scopes).ExecuteAsync());
// Sends what is left; the 5 s that disposing gives it are not enough on a busy machine.
if (!meters.Shutdown(120_000)) throw new TimeoutException("The metrics could not be sent.");

// An instance of the app: its own memory, and the distributed cache of all.
IConfidentialClientApplication NewInstance(bool ofUsers = false, bool encrypts = false, bool writesFirst = false)
{
    if (writesFirst)
    {
        // By another ring, which this instance does not have.
        store.Clear();
        NewInstance(encrypts: true).AcquireTokenForClient(scopes).ExecuteAsync().GetAwaiter().GetResult();
    }
    var services = new ServiceCollection();
    services.AddSingleton<IDistributedCache>(store);
    services.AddSingleton(logs);
    services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
    services.AddDistributedTokenCaches();
    if (encrypts)
    {
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.Configure<MsalDistributedTokenCacheAdapterOptions>(options => options.Encrypt = true);
    }
    var instance = ConfidentialClientApplicationBuilder.Create("33333333-3333-3333-3333-333333333333")
        .WithClientSecret("secret")
        .WithAuthority($"https://login.microsoftonline.com/{tenant}")
        .WithInstanceDiscovery(false)
        .WithRedirectUri("https://localhost/signin-oidc")
        .WithHttpClientFactory(endpoint)
        .Build();
    var provider = services.BuildServiceProvider().GetRequiredService<IMsalTokenCacheProvider>();
    provider.Initialize(ofUsers ? instance.UserTokenCache : instance.AppTokenCache);
    return instance;
}

async Task Call(string what, Func<Task<AuthenticationResult>> call)
{
    try
    {
        var about = (await call()).AuthenticationResultMetadata;
        Console.WriteLine($"{what}: {about.TokenSource} {about.CacheLevel} {about.CacheRefreshReason}");
    }
    catch (MsalException error)
    {
        Console.WriteLine($"{what}: {error.ErrorCode}");
    }
}
