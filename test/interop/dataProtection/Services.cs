using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml.Linq;
using Azure.Extensions.AspNetCore.DataProtection.Keys;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;

namespace DataProtectionInterop;

/// <summary>A ring in memory, as any store would hand it out.</summary>
public sealed class MemoryRepository(IEnumerable<string> elements) : IXmlRepository
{
    private readonly List<XElement> _elements = [.. elements.Select(text => XElement.Parse(text))];
    public List<XElement> Added { get; } = [];

    public IReadOnlyCollection<XElement> GetAllElements() => [.. _elements.Concat(Added).Select(element => new XElement(element))];
    public void StoreElement(XElement element, string friendlyName) => Added.Add(new XElement(element));
}

/// <summary>
/// The shipped key ring provider, asked at a given instant in place of the clock's. It is internal, but its interfaces are
/// public: nothing of its rule is repeated here.
/// </summary>
public sealed class KeyRingAt(ICacheableKeyRingProvider provider, DateTimeOffset now) : IKeyRingProvider
{
    private readonly Lazy<IKeyRing> _ring = new(() =>
    {
        var cacheable = provider.GetCacheableKeyRing(now);
        var property = typeof(CacheableKeyRing).GetProperty("KeyRing", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new InvalidOperationException("CacheableKeyRing.KeyRing is gone");
        return (IKeyRing)(property.GetValue(cacheable) ?? throw new InvalidOperationException("no ring"));
    });

    public IKeyRing GetCurrentKeyRing() => _ring.Value;
}

public static class Services
{
    public static ServiceProvider Build(Request request, IXmlRepository? repository, bool atRequestedInstant, Action<IServiceCollection>? more = null)
    {
        foreach (var (keyId, pem) in request.VaultKeys)
        {
            var key = RSA.Create();
            key.ImportFromPem(pem);
            VaultKeys.ByKeyId[keyId] = key;
        }
        var services = new ServiceCollection();
        var builder = services.AddDataProtection().SetApplicationName(request.ApplicationName);
        if (request.Folder is { } folder) builder.PersistKeysToFileSystem(new DirectoryInfo(folder));
        else services.Configure<KeyManagementOptions>(options => options.XmlRepository = repository);
        // A key that does not decrypt is tried ten times, in case a vault is busy. Nothing here gets better by waiting.
        services.Configure<KeyManagementOptions>(options =>
        {
            foreach (var property in typeof(KeyManagementOptions).GetProperties(BindingFlags.Instance | BindingFlags.NonPublic))
                if (property.Name == "DefaultKeyResolverRetryDelay") property.SetValue(options, TimeSpan.Zero);
        });
        if (!request.AutomaticGeneration) builder.DisableAutomaticKeyGeneration();
        var certificates = request.Certificates
            .Select(pfx => X509CertificateLoader.LoadPkcs12FromFile(pfx.Path, pfx.Password)).ToArray();
        if (certificates.Length > 0)
        {
            builder.ProtectKeysWithCertificate(certificates[0]);
            builder.UnprotectKeysWithAnyCertificate(certificates);
        }
        if (atRequestedInstant)
        {
            var shipped = services.Single(service => service.ServiceType == typeof(IKeyRingProvider)).ImplementationType
                ?? throw new InvalidOperationException("the key ring provider is no longer registered by type");
            services.AddSingleton(shipped);
            services.AddSingleton<IKeyRingProvider>(provider =>
                new KeyRingAt((ICacheableKeyRingProvider)provider.GetRequiredService(shipped), request.Now));
        }
        more?.Invoke(services);
        return services.BuildServiceProvider();
    }
}
