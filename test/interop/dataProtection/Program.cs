// A consumer of key rings: ASP.NET Core's own Data Protection. Reads a JSON list of requests from stdin, answers each on stdout.
using System.Text.Json;
using System.Text.Json.Serialization;
using DataProtectionInterop;

var json = new JsonSerializerOptions(JsonSerializerDefaults.Web)
{
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
};
var requests = JsonSerializer.Deserialize<Request[]>(await Console.In.ReadToEndAsync(), json) ?? [];
var answers = new List<object>();
foreach (var request in requests)
{
    answers.Add(request.Op switch
    {
        "consume" => Consumer.Consume(request),
        "write" => Writer.Write(request),
        "tokenCache" => await TokenCache.RunAsync(request),
        _ => throw new InvalidOperationException($"unknown request {request.Op}"),
    });
}
Console.WriteLine(JsonSerializer.Serialize(answers, json));
