using Microsoft.Identity.Web;
using Microsoft.Identity.Web.TokenCacheProviders.InMemory;


var factory = TokenAcquirerFactory.GetDefaultInstance();
factory.Services.AddInMemoryTokenCaches();
factory.Build();

// Only so that the tests can start it as any other.
var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddTokenAcquisition();
builder.Services.AddHttpClient();
builder.Services.AddInMemoryTokenCaches();
builder.Build().Run();
