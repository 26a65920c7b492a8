// A consumer of key rings: ASP.NET Core's own Data Protection. Each line of stdin is a JSON list of requests, each of stdout their answers.
using System.Text.Json;
using System.Text.Json.Serialization;
using DataProtectionInterop;

var json = new JsonSerializerOptions(JsonSerializerDefaults.Web)
{
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
};
while (await Console.In.ReadLineAsync() is { } line)
{
    var answers = new List<object>();
    foreach (var request in JsonSerializer.Deserialize<Request[]>(line, json) ?? [])
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
}
