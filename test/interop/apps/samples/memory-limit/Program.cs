using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.InMemory;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddTokenAcquisition();
builder.Services.AddHttpClient();
builder.Services.AddInMemoryTokenCaches();
builder.Services.AddMemoryCache(options => options.SizeLimit = 100);
builder.Build().Run();
