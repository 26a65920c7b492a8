using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;

namespace DataProtectionInterop;

/// <summary>Writes keys and revocations with ASP.NET Core's own key manager.</summary>
public static class Writer
{
    public static Answer Write(Request request)
    {
        var repository = new MemoryRepository(request.Elements);
        using var services = Services.Build(request, repository, atRequestedInstant: false);
        var manager = services.GetRequiredService<IKeyManager>();
        foreach (var step in request.Steps)
        {
            if (step.Activation is { } activation) manager.CreateNewKey(activation, step.Expiration ?? activation.AddDays(90));
            if (step.Revoke is { } id) manager.RevokeKey(id, "interop");
            if (step.RevokeAllBefore is { } date) manager.RevokeAllKeys(date, "interop");
        }
        return new Answer
        {
            Elements = [.. repository.Added.Select(element => element.ToString(SaveOptions.DisableFormatting))],
        };
    }
}
