// What ASP.NET Core's own Data Protection makes of key rings: reads a question as JSON from each line, and answers it on one.
// The first argument is a Redis, a PostgreSQL or a storage account; with a second one each answer is sent at once.
using System.Text.Json;
using RingReader;

var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
var redis = new Lazy<StackExchange.Redis.ConnectionMultiplexer>(() => StackExchange.Redis.ConnectionMultiplexer.Connect(args[0]));
using var tables = new Tables(args.ElementAtOrDefault(0) ?? "");
var container = (string name) => new Azure.Storage.Blobs.BlobContainerClient(args[0], name);
using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = args.Length > 1 };
while (Console.In.ReadLine() is { } line)
{
    var question = JsonSerializer.Deserialize<Question>(line, json) ?? throw new InvalidOperationException("no question");
    output.WriteLine(JsonSerializer.Serialize(Reader.Answer(question, () => redis.Value.GetDatabase(), tables, container), json));
}
