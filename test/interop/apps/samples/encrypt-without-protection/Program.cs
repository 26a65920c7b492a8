using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddTokenAcquisition();
builder.Services.AddHttpClient();
builder.Services.AddDistributedTokenCaches();
builder.Services.AddStackExchangeRedisCache(options =>
{
    options.Configuration = builder.Configuration.GetConnectionString("Redis");
    options.InstanceName = "web:";
});
builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(options =>
{
    options.SlidingExpiration = TimeSpan.FromDays(1);
    options.OnL2CacheFailure = exception =>
    {
        Console.Error.WriteLine($"The token cache failed: {exception.GetType().Name}");
        return exception is StackExchange.Redis.RedisConnectionException;
    };
    options.Encrypt = true;
});

builder.Build().Run();
