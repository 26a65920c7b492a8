using System.Net;
using System.Reflection;
using System.Text.Json.Nodes;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

class RedisJudge : Client
{
    const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    public override string[] Bases => ["h"];
    public override string Separator => ",";

    static IEnumerable<(FieldInfo Field, string Name)> Options() =>
        from field in typeof(ConfigurationOptions).GetNestedType("OptionKeys", Any)!.GetFields(Any)
        where field.IsLiteral
        select (field, (string)field.GetRawConstantValue()!);

    public override IEnumerable<Keyword> Keywords() =>
        Options().Select(each => new Keyword(each.Name, [each.Name], PropertyOf(each.Field)?.PropertyType ?? typeof(object)));

    static PropertyInfo? PropertyOf(FieldInfo field) => typeof(ConfigurationOptions).GetProperty(field.Name switch
    {
        "ConfigChannel" => "ConfigurationChannel",
        "Version" => "DefaultVersion",
        var name => name,
    });

    protected override JsonObject Understood(string text)
    {
        var options = ConfigurationOptions.Parse(text);
        var values = new JsonObject();
        foreach (var (field, name) in Options())
            values[name] = PropertyOf(field) is { } property ? Told(property.GetValue(options)) : null;
        // The port that is connected to where none is given.
        var port = options.ServiceName is not null ? 26379 : options.Ssl ? 6380 : 6379;
        var endpoints = options.EndPoints.Select(endpoint => endpoint switch
        {
            DnsEndPoint dns => new JsonObject { ["host"] = dns.Host, ["port"] = dns.Port == 0 ? port : dns.Port },
            IPEndPoint ip => new JsonObject { ["host"] = ip.Address.ToString(), ["port"] = ip.Port == 0 ? port : ip.Port },
            _ => new JsonObject { ["socket"] = true },
        });
        return new JsonObject { ["values"] = values, ["hosts"] = new JsonArray([.. endpoints]) };
    }

    static JsonNode? Told(object? value) => value is Tunnel ? "tunnel" : Json(value);
}
