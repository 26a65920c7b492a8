using System.Net;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Identity.Client;
using Microsoft.Identity.Web.TokenCacheProviders;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

namespace DataProtectionInterop;

/// <summary>
/// A web app that gets an app token, with Microsoft.Identity.Web's distributed token cache and Encrypt = true. What stands in
/// for something else: the identity provider's token endpoint, and the cache's server.
/// </summary>
public static class TokenCache
{
    private const string ClientId = "11111111-2222-3333-4444-555555555555";
    private const string Authority = "https://login.microsoftonline.com/66666666-7777-8888-9999-000000000000";

    public static async Task<Answer> RunAsync(Request request)
    {
        var entries = new Entries(request.Cached);
        using var services = Services.Build(request, new MemoryRepository(request.Elements), atRequestedInstant: true, more =>
        {
            more.AddSingleton<IDistributedCache>(entries);
            more.AddLogging();
            more.AddDistributedTokenCaches();
            more.Configure<MsalDistributedTokenCacheAdapterOptions>(options =>
            {
                options.Encrypt = request.Encrypt;
                // Each request is an instance of its own: what it reads comes from the shared cache.
                options.DisableL1Cache = true;
            });
        });
        var endpoint = new TokenEndpoint(request.Token);
        var app = ConfidentialClientApplicationBuilder.Create(ClientId)
            .WithClientSecret("of-the-test")
            .WithAuthority(Authority, validateAuthority: false)
            .WithInstanceDiscovery(false)
            .WithHttpClientFactory(endpoint)
            .Build();
        services.GetRequiredService<IMsalTokenCacheProvider>().Initialize(app.AppTokenCache);
        AuthenticationResult result;
        try
        {
            result = await app.AcquireTokenForClient(["api://test/.default"]).ExecuteAsync();
        }
        catch (MsalClientException error)
        {
            return new Answer { Error = error.ErrorCode, Cached = entries.ToBase64() };
        }
        return new Answer
        {
            Token = result.AccessToken,
            FromCache = result.AuthenticationResultMetadata.TokenSource == TokenSource.Cache,
            Cached = entries.ToBase64(),
            DefaultKeyId = services.GetRequiredService<IKeyRingProvider>().GetCurrentKeyRing().DefaultKeyId,
        };
    }

    /// <summary>Answers each request for a token with a new one.</summary>
    private sealed class TokenEndpoint(string? token) : HttpMessageHandler, IMsalHttpClientFactory
    {
        public HttpClient GetHttpClient() => new(this, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellation) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(
                    $$"""{"token_type":"Bearer","expires_in":86000,"ext_expires_in":86000,"access_token":"{{token}}"}""",
                    Encoding.UTF8,
                    "application/json"),
            });
    }

    private sealed class Entries(Dictionary<string, string> initial) : IDistributedCache
    {
        private readonly Dictionary<string, byte[]> _entries = initial.ToDictionary(pair => pair.Key, pair => Convert.FromBase64String(pair.Value));

        public Dictionary<string, string> ToBase64() => _entries.ToDictionary(pair => pair.Key, pair => Convert.ToBase64String(pair.Value));
        public byte[]? Get(string key) => _entries.GetValueOrDefault(key);
        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));
        public void Refresh(string key) { }
        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;
        public void Remove(string key) => _entries.Remove(key);
        public Task RemoveAsync(string key, CancellationToken token = default) { Remove(key); return Task.CompletedTask; }
        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => _entries[key] = value;
        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) { Set(key, value, options); return Task.CompletedTask; }
    }
}
