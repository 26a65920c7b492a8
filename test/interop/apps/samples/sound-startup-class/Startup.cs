using Azure.Identity;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

namespace Sample;

public class Startup(IConfiguration configuration, IWebHostEnvironment environment)
{
    private const double DaysToKeep = 2;

    public void ConfigureServices(IServiceCollection services)
    {
        services.AddAuthentication(OpenIdConnectDefaults.AuthenticationScheme)
            .AddMicrosoftIdentityWebApp(configuration.GetSection("AzureAd"))
            .EnableTokenAcquisitionToCallDownstreamApi(new[] { "User.Read" })
            .AddDistributedTokenCaches();

        if (environment.IsDevelopment())
        {
            services.AddDistributedMemoryCache();
            return;
        }

        services.AddStackExchangeRedisCache(options =>
        {
            options.Configuration = configuration["ConnectionStrings:Redis"];
            options.InstanceName = "web:";
        });
        services.AddOptions<MsalDistributedTokenCacheAdapterOptions>().Configure<ILoggerFactory>((options, loggers) =>
        {
            options.SlidingExpiration = TimeSpan.FromDays(DaysToKeep);
            options.Encrypt = !environment.IsDevelopment();
            options.OnL2CacheFailure = failure =>
            {
                loggers.CreateLogger("TokenCache").LogWarning(failure, "The token cache failed.");
                return false;
            };
        });
        services.AddDataProtection()
            .SetApplicationName("web")
            .PersistKeysToFileSystem(new DirectoryInfo("/mnt/keys"))
            .ProtectKeysWithAzureKeyVault(new Uri("https://vault.vault.azure.net/keys/dataprotection"), new DefaultAzureCredential());
    }

    public void Configure(IApplicationBuilder app)
    {
        app.UseAuthentication();
    }
}
