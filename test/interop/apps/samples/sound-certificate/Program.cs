using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.Distributed;

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
using var key = System.Security.Cryptography.RSA.Create();
var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=ring", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1)
    .CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
builder.Services.AddDataProtection()
    .SetApplicationName("web")
    .PersistKeysToFileSystem(new DirectoryInfo("/mnt/keys"))
    .ProtectKeysWithCertificate(certificate)
    .UnprotectKeysWithAnyCertificate(certificate);

var app = builder.Build();
app.Run();
