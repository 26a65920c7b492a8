using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.Extensions.DependencyInjection;

namespace DataProtectionInterop;

/// <summary>Reads a ring at an instant, as an app's instance does when it refreshes, and uses it.</summary>
public static class Consumer
{
    public static Answer Consume(Request request)
    {
        var repository = new MemoryRepository(request.Elements);
        using var services = Services.Build(request, repository, atRequestedInstant: true);
        Guid? resolved = null;
        try
        {
            resolved = services.GetRequiredService<IDefaultKeyResolver>()
                .ResolveDefaultKeyPolicy(request.Now, services.GetRequiredService<IKeyManager>().GetAllKeys()).DefaultKey?.KeyId;
            var ring = services.GetRequiredService<IKeyRingProvider>().GetCurrentKeyRing();
            var protector = services.GetRequiredService<IDataProtectionProvider>().CreateProtector(request.Purpose);
            return new Answer
            {
                ResolvedKeyId = resolved,
                DefaultKeyId = ring.DefaultKeyId,
                Minted = MintedIn(repository),
                Protected = [.. request.Protect.Select(text => Convert.ToBase64String(protector.Protect(Encoding.UTF8.GetBytes(text))))],
                Unprotected = [.. request.Unprotect.Select(payload => Unprotect(protector, payload))],
            };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new Answer { ResolvedKeyId = resolved, Error = error.Message, Minted = MintedIn(repository) };
        }
    }

    private static string? Unprotect(IDataProtector protector, string payload)
    {
        try
        {
            return Encoding.UTF8.GetString(protector.Unprotect(Convert.FromBase64String(payload)));
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }

    private static Guid[] MintedIn(MemoryRepository repository) =>
        [.. repository.Added.Where(element => element.Name == "key").Select(element => (Guid)element.Attribute("id")!)];
}
