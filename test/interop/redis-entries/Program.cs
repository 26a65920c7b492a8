// Writes entries into a Redis cache as a web app does, by Microsoft's own library.
// Arguments: connection string, instance name, number of entries of each kind.
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;

var (configuration, instanceName, count) = (args[0], args[1], int.Parse(args[2]));
using var cache = new RedisCache(new RedisCacheOptions { Configuration = configuration, InstanceName = instanceName });

var tenant = Guid.NewGuid();
var kinds = new DistributedCacheEntryOptions[]
{
    new() { SlidingExpiration = TimeSpan.FromHours(1) },
    new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromDays(1) },
    new(),
};
foreach (var options in kinds)
    for (var index = 0; index < count; index++)
        await cache.SetAsync($"{Guid.NewGuid()}.{tenant}", new byte[2000], options);
await cache.SetAsync($"{Guid.NewGuid()}_{tenant}_AppTokenCache", new byte[2000], kinds[0]);
Console.WriteLine("written");
