// Compiles apps with the real packages, starts each as far as its host, and says what the real container and options are. It reads
// a list of folders from stdin, and writes a list of answers. With `refused-redis` it plays an app whose Redis is away.
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Caching.Postgres;
using Microsoft.Extensions.Caching.SqlServer;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Identity.Web.TokenCacheProviders;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;
using Microsoft.Identity.Web.TokenCacheProviders.InMemory;

if (args is ["refused-redis", var connectionString])
{
    Console.Write(JsonSerializer.Serialize(await RefusedRedis.RunAsync(connectionString, tokens: 4), new JsonSerializerOptions(JsonSerializerDefaults.Web)));
    return;
}

var folders = JsonSerializer.Deserialize<string[]>(Console.In.ReadToEnd())!;
var output = Console.Out;
// What an app prints is no answer.
Console.SetOut(TextWriter.Null);
output.Write(JsonSerializer.Serialize(folders.Select(Answer), new JsonSerializerOptions(JsonSerializerDefaults.Web)));

static object Answer(string folder)
{
    var (assembly, errors) = Compiler.Compile(folder);
    if (assembly is null)
    {
        return new { errors };
    }
    try
    {
        using var host = Starter.Start(assembly, folder);
        using var scope = host.Services.CreateScope();
        var services = scope.ServiceProvider;
        T Of<T>() where T : class => services.GetRequiredService<IOptions<T>>().Value;
        var adapter = Of<MsalDistributedTokenCacheAdapterOptions>();
        return new
        {
            errors,
            tokenCache = services.GetService<IMsalTokenCacheProvider>()?.GetType().Name,
            distributedCache = services.GetService<IDistributedCache>()?.GetType().Name,
            dataProtection = services.GetService<IDataProtectionProvider>() is not null,
            options = new Dictionary<string, object?>
            {
                ["encrypt"] = adapter.Encrypt,
                ["disablel1cache"] = adapter.DisableL1Cache,
                ["l1cacheoptions.sizelimit"] = adapter.L1CacheOptions?.SizeLimit,
                ["onl2cachefailure"] = adapter.OnL2CacheFailure is not null,
                ["slidingexpiration"] = Milliseconds(adapter.SlidingExpiration),
                ["absoluteexpirationrelativetonow"] = Milliseconds(adapter.AbsoluteExpirationRelativeToNow),
                ["absoluteexpiration"] = adapter.AbsoluteExpiration is not null,
                ["memory.absoluteexpirationrelativetonow"] = Milliseconds(Of<MsalMemoryTokenCacheOptions>().AbsoluteExpirationRelativeToNow),
                ["memory.sizelimit"] = Of<MemoryCacheOptions>().SizeLimit,
                ["redis.instancename"] = Of<RedisCacheOptions>().InstanceName,
                ["redis.configuration"] = Of<RedisCacheOptions>().Configuration,
                ["sqlserver.schemaname"] = Of<SqlServerCacheOptions>().SchemaName,
                ["sqlserver.tablename"] = Of<SqlServerCacheOptions>().TableName,
                ["sqlserver.expireditemsdeletioninterval"] = Milliseconds(Of<SqlServerCacheOptions>().ExpiredItemsDeletionInterval),
                ["postgres.tablename"] = Of<PostgresCacheOptions>().TableName,
                ["postgres.expireditemsdeletioninterval"] = Milliseconds(Of<PostgresCacheOptions>().ExpiredItemsDeletionInterval),
                ["applicationdiscriminator"] = Of<DataProtectionOptions>().ApplicationDiscriminator,
                ["keyrepository"] = Of<KeyManagementOptions>().XmlRepository?.GetType().Name,
                ["keyencryptor"] = Of<KeyManagementOptions>().XmlEncryptor?.GetType().Name,
            },
        };
    }
    catch (Exception error)
    {
        return new { errors, failure = error.GetBaseException().Message };
    }
}

// -1 stands for the greatest time span.
static double? Milliseconds(TimeSpan? span) => span == TimeSpan.MaxValue ? -1 : span?.TotalMilliseconds;
