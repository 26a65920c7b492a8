using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

namespace Sample;

internal static class TokenCacheSetup
{
    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        builder.Services.AddAuthentication(OpenIdConnectDefaults.AuthenticationScheme)
            .AddMicrosoftIdentityWebApp(builder.Configuration)
            .EnableTokenAcquisitionToCallDownstreamApi(Scopes.Initial)
            .AddDistributedTokenCaches();
    }

    public static IServiceCollection AddTokenCache(this IServiceCollection services, IConfiguration configuration, TimeSpan keep, string instance)
    {
        services.AddStackExchangeRedisCache(redis =>
        {
            redis.Configuration = configuration.GetConnectionString("Redis");
            redis.InstanceName = instance;
        });
        return services.Configure<MsalDistributedTokenCacheAdapterOptions>(options => Fill(options, keep));
    }

    private static void Fill(MsalDistributedTokenCacheAdapterOptions options, TimeSpan keep)
    {
        options.SlidingExpiration = keep;
        options.OnL2CacheFailure = OnFailure;
    }

    private static bool OnFailure(Exception failure) => failure is StackExchange.Redis.RedisTimeoutException;
}

internal static class Scopes
{
    public static readonly string[] Initial = ["User.Read", "Mail.Read"];
}
