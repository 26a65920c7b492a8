using System.Text.Json;
using System.Text.Json.Nodes;

// Says what the clients of a web app, and the Functions host's readers of schedules and storage settings, make of a text: a request a line, an answer a line.
// Nothing is connected to, so what a client finds out at its first connection is not seen here.
var clients = new Dictionary<string, Client>
{
    ["npgsql"] = new NpgsqlJudge(),
    ["sqlClient"] = new SqlClientJudge(),
    ["stackExchangeRedis"] = new RedisJudge(),
};

while (Console.ReadLine() is { } line)
{
    var request = JsonNode.Parse(line)!;
    var name = (string)request["client"]!;
    var answer = name == "ncrontab" ? Schedules.Answer(request)
        : name == "storage" ? Storage.Answer(request)
        : request["text"] is { } text ? clients[name].Read((string)text!)
        : KeywordList.Of(clients[name]);
    Console.WriteLine(answer.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
}
