using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using System.Xml.Linq;
using Azure;
using Azure.Storage.Blobs;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace RingReader;

/// <summary>
/// Asks the shipped classes alone: nothing of their rules is repeated here, but for blobs (Blobs.cs). Proves nothing of
/// Windows, or of an app's own decryptors.
/// </summary>
public static class Reader
{
    public static Answer Answer(Question question, Func<IDatabase> redis, Tables tables, Func<string, BlobContainerClient> containers)
    {
        IXmlRepository repository =
            question.Blob is { } blob ? new BlobRepository(Convert.FromBase64String(blob))
            : question.Container is { } container ? new StoredBlobRepository(containers(container).GetBlobClient("keys.xml"))
            : question.Folder is { } folder ? new FileSystemXmlRepository(new DirectoryInfo(folder), NullLoggerFactory.Instance)
            : question.Schema is { } schema ? tables.Repository(schema, question.MakesTable)
            : new RedisXmlRepository(redis, question.RedisKey);
        if (question.Mints > 0) return Mint(repository, question);
        var writes = new WriteAside(repository);
        using var services = Services(writes, question, automaticGeneration: true);
        SeenKey[] seen;
        try
        {
            seen = [.. services.GetRequiredService<IKeyManager>().GetAllKeys().Select(key => new SeenKey(
                key.KeyId, key.CreationDate, key.ActivationDate, key.ExpirationDate, key.IsRevoked, IsReadable(key)))];
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new Answer { Error = $"{error.GetType().Name}: {error.Message}" };
        }
        var readingWrites = new WriteAside(repository);
        using var reading = Services(readingWrites, question, automaticGeneration: false);
        return new Answer
        {
            Keys = seen,
            Generating = UseOf(services, writes, question.Now, isGenerating: true),
            Reading = UseOf(reading, readingWrites, question.Now, isGenerating: false),
        };
    }

    private static Answer Mint(IXmlRepository repository, Question question)
    {
        using var services = Services(repository, question, automaticGeneration: true);
        var manager = services.GetRequiredService<IKeyManager>();
        var minted = new List<Guid>();
        for (var count = 0; count < question.Mints; count++)
        {
            try
            {
                minted.Add(manager.CreateNewKey(question.Now, question.Now.AddDays(90)).KeyId);
            }
            catch (RequestFailedException refused) when (StoredBlobRepository.IsConflict(refused))
            {
                // The app goes without this key.
            }
        }
        return new Answer { Minted = [.. minted] };
    }

    private static Use UseOf(ServiceProvider services, WriteAside writes, DateTimeOffset now, bool isGenerating)
    {
        try
        {
            var resolved = isGenerating
                ? services.GetRequiredService<IDefaultKeyResolver>()
                    .ResolveDefaultKeyPolicy(now, services.GetRequiredService<IKeyManager>().GetAllKeys()).DefaultKey?.KeyId
                : null;
            var cached = ((ICacheableKeyRingProvider)services.GetRequiredService<IKeyRingProvider>()).GetCacheableKeyRing(now);
            return new Use(isGenerating ? resolved : RingOf(cached).DefaultKeyId, writes.Added.Count > 0, null);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new Use(null, writes.Added.Count > 0, $"{error.GetType().Name}: {error.Message}");
        }
    }

    private static IKeyRing RingOf(CacheableKeyRing cached) =>
        (IKeyRing?)typeof(CacheableKeyRing).GetProperty("KeyRing", BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(cached)
            ?? throw new InvalidOperationException("CacheableKeyRing.KeyRing is gone");

    private static bool IsReadable(IKey key)
    {
        try
        {
            return key.CreateEncryptor() is not null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return false;
        }
    }

    private static ServiceProvider Services(IXmlRepository repository, Question question, bool automaticGeneration)
    {
        var services = new ServiceCollection();
        var builder = services.AddDataProtection();
        services.Configure<KeyManagementOptions>(options =>
        {
            options.XmlRepository = repository;
            options.AutoGenerateKeys = automaticGeneration;
        });
        if (question.Certificates.Length > 0)
            builder.UnprotectKeysWithAnyCertificate([.. question.Certificates.Select(Certificate)]);
        return services.BuildServiceProvider();
    }

    private static readonly Dictionary<string, X509Certificate2> Loaded = [];

    private static X509Certificate2 Certificate(string path) =>
        Loaded.TryGetValue(path, out var known) ? known : Loaded[path] = X509CertificateLoader.LoadPkcs12FromFile(path, "fixture");
}

/// <summary>Another repository, whose writes are kept apart: a question changes no ring.</summary>
public sealed class WriteAside(IXmlRepository inner) : IXmlRepository
{
    public List<XElement> Added { get; } = [];

    public IReadOnlyCollection<XElement> GetAllElements() => [.. inner.GetAllElements(), .. Added.Select(element => new XElement(element))];
    public void StoreElement(XElement element, string friendlyName) => Added.Add(new XElement(element));
}
