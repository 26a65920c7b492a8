using Azure.Identity;
using Azure.Monitor.OpenTelemetry.AspNetCore;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;
using OpenTelemetry.Metrics;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddStackExchangeRedisCache(options =>
{
    options.Configuration = builder.Configuration.GetConnectionString("Redis");
    options.InstanceName = "web:";
});
builder.Services.AddAuthentication(OpenIdConnectDefaults.AuthenticationScheme)
    .AddMicrosoftIdentityWebApp(builder.Configuration)
    .EnableTokenAcquisitionToCallDownstreamApi(["User.Read"])
    .AddDistributedTokenCaches();
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
builder.Services.AddDataProtection()
    .SetApplicationName("web")
    .PersistKeysToAzureBlobStorage(new Uri(builder.Configuration["Ring:Blob"]!), new DefaultAzureCredential())
    .ProtectKeysWithAzureKeyVault(new Uri(builder.Configuration["Ring:Key"]!), new DefaultAzureCredential());

builder.Services.AddOpenTelemetry().UseAzureMonitor();
builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics
    .AddMeter("MicrosoftIdentityClient_Common_Meter")  // MSAL: hits, misses, sign-ins, failures
    .AddMeter("System.Runtime"));                      // memory of the process, from .NET 9

var app = builder.Build();
app.Run();
