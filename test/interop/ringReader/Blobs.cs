using System.Xml;
using System.Xml.Linq;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace RingReader;

/// <summary>
/// Stands in for AzureBlobXmlRepository (azure-sdk-for-net), whose package cannot be had here. This is how it parses a blob.
/// </summary>
public static class BlobXml
{
    public static XDocument Parse(byte[] content)
    {
        if (content.Length == 0) return new XDocument(new XElement("repository"));
        using var reader = XmlReader.Create(new MemoryStream(content), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, IgnoreProcessingInstructions = true });
        return XDocument.Load(reader);
    }
}

/// <summary>A blob's bytes, which nobody writes.</summary>
public sealed class BlobRepository(byte[] content) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements() => [.. BlobXml.Parse(content).Root!.Elements()];

    public void StoreElement(XElement element, string friendlyName) => throw new NotSupportedException();
}

/// <summary>
/// A blob in a storage account, over the real Azure.Storage.Blobs. A write is on condition that nobody else wrote, and is tried
/// five times, as public source shows it. After two conflicts the package waits for half an hour, since it takes ticks for
/// milliseconds; here it is the fifth of a second that was meant.
/// </summary>
public sealed class StoredBlobRepository(BlobClient blob) : IXmlRepository
{
    private const int Tries = 5;
    private (byte[] Content, ETag Tag)? _latest;

    public static bool IsConflict(RequestFailedException refused) => refused.Status is 409 or 412;

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        Download();
        return [.. Document().Root!.Elements()];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        for (var conflicts = 0; ; conflicts++)
        {
            if (conflicts > 1) Thread.Sleep(TimeSpan.FromMilliseconds(Random.Shared.Next(160, 240)));
            if (conflicts > 0) Download();
            var document = Document();
            document.Root!.Add(element);
            using var content = new MemoryStream();
            document.Save(content, SaveOptions.DisableFormatting);
            try
            {
                content.Position = 0;
                var answer = blob.Upload(content, new BlobUploadOptions
                {
                    HttpHeaders = _latest is null ? new BlobHttpHeaders { ContentType = "application/xml; charset=utf-8" } : null,
                    Conditions = _latest is { } known ? new() { IfMatch = known.Tag } : new() { IfNoneMatch = ETag.All },
                });
                _latest = (content.ToArray(), answer.Value.ETag);
                return;
            }
            catch (RequestFailedException refused) when (IsConflict(refused) && conflicts < Tries - 1)
            {
                // Another wrote first.
            }
        }
    }

    private XDocument Document() => BlobXml.Parse(_latest?.Content ?? []);

    private void Download()
    {
        try
        {
            var answer = blob.DownloadContent().Value;
            _latest = (answer.Content.ToArray(), answer.Details.ETag);
        }
        catch (RequestFailedException missing) when (missing.Status == 404)
        {
            _latest = null;
        }
    }
}
