using System.Globalization;
using System.Text.Json.Nodes;

/// <summary>A keyword that a client takes: its own name, all its names, and the type of its value.</summary>
record Keyword(string Name, string[] Names, Type Type);

/// <summary>A client, asked through its own parser.</summary>
abstract class Client
{
    /// <summary>Each taken by the client; a keyword is asked about behind them, and taken where it is behind one.</summary>
    public abstract string[] Bases { get; }
    public abstract string Separator { get; }
    public abstract IEnumerable<Keyword> Keywords();
    /// <summary>Where it would connect, and the value of each keyword. Throws what the client throws.</summary>
    protected abstract JsonObject Understood(string text);

    public JsonObject Read(string text)
    {
        try
        {
            return Understood(text);
        }
        catch (Exception error)
        {
            return new JsonObject { ["refused"] = (error.InnerException ?? error).Message };
        }
    }

    /// <summary>What a keyword means with this value; null where the client refuses it.</summary>
    public string? ValueOf(Keyword keyword, string value)
    {
        var reads = Bases.Select(each => Read($"{each}{Separator}{keyword.Names[0]}={value}"));
        return reads.FirstOrDefault(read => read["refused"] is null) is { } taken ? Told(taken["values"]![keyword.Name]) : null;
    }

    protected static JsonNode? Json(object? value) => value switch
    {
        null => null,
        bool flag => flag,
        int number => number,
        TimeSpan span => (int)span.TotalMilliseconds,
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    static string Told(JsonNode? node) => node?.ToString() ?? "";
}
