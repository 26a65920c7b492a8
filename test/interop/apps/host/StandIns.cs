// Packages that cannot be had from the registry of this project's build: their methods, by the signatures of their documentation,
// so that an app that calls them compiles. They show nothing of what the packages do.
using Azure.Core;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.DataProtection
{
    /// <summary>Azure.Extensions.AspNetCore.DataProtection.Blobs and .Keys</summary>
    public static class AzureDataProtectionBuilderExtensions
    {
        public static IDataProtectionBuilder PersistKeysToAzureBlobStorage(this IDataProtectionBuilder builder, Uri blobUri, TokenCredential credential) => builder;

        public static IDataProtectionBuilder PersistKeysToAzureBlobStorage(this IDataProtectionBuilder builder, Uri blobSasUri) => builder;

        public static IDataProtectionBuilder PersistKeysToAzureBlobStorage(this IDataProtectionBuilder builder, string connectionString, string containerName, string blobName) => builder;

        public static IDataProtectionBuilder ProtectKeysWithAzureKeyVault(this IDataProtectionBuilder builder, Uri keyIdentifier, TokenCredential credential) => builder;
    }
}

namespace Microsoft.Extensions.Caching.Postgres
{
    /// <summary>Microsoft.Extensions.Caching.Postgres</summary>
    public class PostgresCacheOptions : IOptions<PostgresCacheOptions>
    {
        public string? ConnectionString { get; set; }
        public string? SchemaName { get; set; }
        public string? TableName { get; set; }
        public bool CreateIfNotExists { get; set; }
        public bool UseWAL { get; set; }
        public TimeSpan? ExpiredItemsDeletionInterval { get; set; }
        public TimeSpan DefaultSlidingExpiration { get; set; } = TimeSpan.FromMinutes(20);
        PostgresCacheOptions IOptions<PostgresCacheOptions>.Value => this;
    }

    internal sealed class PostgresCache : IDistributedCache
    {
        public byte[]? Get(string key) => throw new NotSupportedException();
        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => throw new NotSupportedException();
        public void Refresh(string key) => throw new NotSupportedException();
        public Task RefreshAsync(string key, CancellationToken token = default) => throw new NotSupportedException();
        public void Remove(string key) => throw new NotSupportedException();
        public Task RemoveAsync(string key, CancellationToken token = default) => throw new NotSupportedException();
        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();
        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) => throw new NotSupportedException();
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    using Microsoft.Extensions.Caching.Postgres;

    public static class PostgresCachingServicesExtensions
    {
        public static IServiceCollection AddDistributedPostgresCache(this IServiceCollection services, Action<PostgresCacheOptions> setupAction) =>
            services.Configure(setupAction).AddSingleton<IDistributedCache, PostgresCache>();
    }
}
