using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Azure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

/// <summary>Where the Functions host's own providers of storage clients look for its blobs and queues, by its settings.</summary>
static class Storage
{
    const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    static readonly Assembly Extension = Assembly.Load("Microsoft.Azure.WebJobs.Extensions.Storage.Blobs");

    public static JsonObject Answer(JsonNode request)
    {
        // As the host reads environment variables: `__` divides sections.
        var settings = request["settings"]!.AsObject().Select(each => KeyValuePair.Create(each.Key.Replace("__", ":"), (string?)each.Value));
        var services = new ServiceCollection().AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build()).AddAzureClientsCore();
        using var built = services.BuildServiceProvider();
        try
        {
            return new JsonObject { ["blob"] = AddressOf(built, "Blob"), ["queue"] = AddressOf(built, "Queue") };
        }
        catch (Exception error)
        {
            return new JsonObject { ["refused"] = (error.InnerException ?? error).Message };
        }
    }

    static string AddressOf(ServiceProvider services, string service)
    {
        var type = Extension.GetType($"Microsoft.Azure.WebJobs.Extensions.Storage.Blobs.{service}ServiceClientProvider")!;
        dynamic client = type.GetMethod("GetHost", Any)!.Invoke(ActivatorUtilities.CreateInstance(services, type), null)!;
        return client.Uri.AbsoluteUri;
    }
}
