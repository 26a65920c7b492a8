using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Identity.Client;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

/// <summary>
/// An app that gets tokens while its Redis refuses every connection. The identity provider's token endpoint is a stand-in; the
/// cache adapter, its L1 cache and the client of Redis are the real ones.
/// </summary>
internal static class RefusedRedis
{
    public static async Task<object[]> RunAsync(string connectionString, int tokens)
    {
        var failures = new List<string>();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddStackExchangeRedisCache(options => options.Configuration = connectionString);
        services.AddDistributedTokenCaches();
        services.Configure<MsalDistributedTokenCacheAdapterOptions>(options => options.OnL2CacheFailure = failure =>
        {
            failures.Add(failure.GetType().Name);
            return false;
        });
        await using var provider = services.BuildServiceProvider();
        var app = ConfidentialClientApplicationBuilder.Create("11111111-2222-3333-4444-555555555555")
            .WithClientSecret("of-the-test")
            .WithAuthority("https://login.microsoftonline.com/66666666-7777-8888-9999-000000000000", validateAuthority: false)
            .WithInstanceDiscovery(false)
            .WithHttpClientFactory(new TokenEndpoint())
            .Build();
        provider.GetRequiredService<IMsalTokenCacheProvider>().Initialize(app.AppTokenCache);
        var answers = new List<object>();
        for (var token = 0; token < tokens; token++)
        {
            failures.Clear();
            var result = await app.AcquireTokenForClient(["api://test/.default"]).ExecuteAsync();
            answers.Add(new
            {
                level = result.AuthenticationResultMetadata.CacheLevel.ToString(),
                failures = failures.ToArray(),
            });
        }
        return answers.ToArray();
    }

    private sealed class TokenEndpoint : HttpMessageHandler, IMsalHttpClientFactory
    {
        public HttpClient GetHttpClient() => new(this, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellation) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(
                    """{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"a token"}""",
                    Encoding.UTF8,
                    "application/json"),
            });
    }
}
