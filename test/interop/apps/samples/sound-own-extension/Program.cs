using Sample;

var builder = WebApplication.CreateBuilder(args);
builder.AddSignIn();
builder.Services.AddTokenCache(builder.Configuration, keep: TimeSpan.FromHours(12), instance: "web:");

var app = builder.Build();
app.Run();
