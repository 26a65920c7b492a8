using System.Security.Cryptography;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace Azure.Extensions.AspNetCore.DataProtection.Keys;

/// <summary>The keys that stand in for a vault's: by full, versioned key identifier.</summary>
public static class VaultKeys
{
    public static readonly Dictionary<string, RSA> ByKeyId = [];
}

/// <summary>
/// Reads a key that Key Vault protects, under the type name that rings give. Written from the description of the format,
/// since the Azure package cannot be had here: it proves that the format is the one described, not that Azure's package agrees.
/// </summary>
public sealed class AzureKeyVaultXmlDecryptor : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement)
    {
        string Text(string name) => (string?)encryptedElement.Elements(name).Single()
            ?? throw new CryptographicException($"{name} is missing");
        var wrapping = VaultKeys.ByKeyId[Text("kid")];
        using var aes = Aes.Create();
        aes.Key = wrapping.Decrypt(Convert.FromBase64String(Text("key")), RSAEncryptionPadding.OaepSHA1);
        var plain = aes.DecryptCbc(Convert.FromBase64String(Text("value")), Convert.FromBase64String(Text("iv")));
        using var stream = new MemoryStream(plain);
        return XElement.Load(stream);
    }
}
