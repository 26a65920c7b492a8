using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

/// <summary>A distributed cache that takes 15 ms, and can be made to fail or to hold what nobody can read.</summary>
sealed class Store : IDistributedCache
{
    private readonly MemoryDistributedCache memory = new(Options.Create(new MemoryDistributedCacheOptions()));
    private readonly HashSet<string> keys = [];

    public bool Fails { get; set; }

    public void Garble()
    {
        foreach (var key in keys) memory.Set(key, "garbage"u8.ToArray());
    }

    public void Clear()
    {
        foreach (var key in keys) memory.Remove(key);
        keys.Clear();
    }

    public byte[]? Get(string key) => GetAsync(key).GetAwaiter().GetResult();
    public void Refresh(string key) => RefreshAsync(key).GetAwaiter().GetResult();
    public void Remove(string key) => RemoveAsync(key).GetAwaiter().GetResult();
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => SetAsync(key, value, options).GetAwaiter().GetResult();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        await Answer(token);
        return memory.Get(key);
    }

    public async Task RefreshAsync(string key, CancellationToken token = default)
    {
        await Answer(token);
        memory.Refresh(key);
    }

    public async Task RemoveAsync(string key, CancellationToken token = default)
    {
        await Answer(token);
        memory.Remove(key);
    }

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        await Answer(token);
        keys.Add(key);
        memory.Set(key, value, options);
    }

    private async Task Answer(CancellationToken token)
    {
        await Task.Delay(15, token);
        if (Fails) throw new TimeoutException("The store does not answer.");
    }
}
