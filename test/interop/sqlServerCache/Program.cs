// A process start of a web app: a new cache of Microsoft's own library, one read, and a while for its clean-up, which runs
// beside the read and tells nobody when it is done.
// Arguments: connection string, schema, table, ExpiredItemsDeletionInterval.
using Microsoft.Extensions.Caching.SqlServer;
using Microsoft.Extensions.Options;

var cache = new SqlServerCache(Options.Create(new SqlServerCacheOptions
{
    ConnectionString = args[0],
    SchemaName = args[1],
    TableName = args[2],
    ExpiredItemsDeletionInterval = TimeSpan.Parse(args[3]),
}));
Console.WriteLine(await cache.GetAsync("nobody") is null ? "read" : "found");
await Task.Delay(TimeSpan.FromSeconds(2));
