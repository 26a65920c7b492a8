using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddDistributedSqlServerCache(options =>
{
    options.ConnectionString = builder.Configuration.GetConnectionString("Sql");
    options.SchemaName = "dbo";
    options.TableName = "TokenCache";
    options.ExpiredItemsDeletionInterval = TimeSpan.MaxValue;
});
builder.Services.AddAuthentication(OpenIdConnectDefaults.AuthenticationScheme)
    .AddMicrosoftIdentityWebApp(builder.Configuration)
    .EnableTokenAcquisitionToCallDownstreamApi(["User.Read"])
    .AddDistributedTokenCaches();
builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(options =>
{
    options.SlidingExpiration = TimeSpan.FromDays(1);
    options.OnL2CacheFailure = Report;
});

static bool Report(Exception exception)
{
    Console.Error.WriteLine(exception.GetType().Name);
    return false;
}

var app = builder.Build();
app.Run();
