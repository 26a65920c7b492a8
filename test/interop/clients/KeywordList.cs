using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

/// <summary>The keywords of a client, with what each takes: found out by asking the client, value by value.</summary>
static partial class KeywordList
{
    static readonly string[] Flags = ["true", "false", "yes", "no", "on", "off", "sspi", "1", "0"];
    /// <summary>Words for keywords whose value is a text of which the client takes only some.</summary>
    static readonly string[] Words =
    [
        .. Flags, "mandatory", "optional", "strict", "latest", "sql server 2000", "sql server 2005", "sql server 2008", "sql server 2012",
        "implicit unbind", "explicit unbind", "resp2", "resp3", "2", "3", "amr", "azure", "enterprise", "rediscloud",
        "Password", "MD5", "GSS", "SSPI", "ScramSHA256", "None", "!Password", "!MD5", "!GSS", "!SSPI", "!ScramSHA256", "!None",
    ];

    static readonly Dictionary<string, string> Forms = new()
    {
        ["Version"] = @"^\d{1,9}(\.\d{1,9}){0,3}$",
        ["Tunnel"] = @"^(http:|[Hh][Tt][Tt][Pp]://)[a-zA-Z0-9.-]+:\d{1,4}$",
    };

    public static JsonObject Of(Client client)
    {
        var list = new JsonObject();
        foreach (var keyword in client.Keywords().OrderBy(each => each.Name, StringComparer.Ordinal))
        {
            if (ValuesOf(client, keyword) is not { } values) continue;
            var names = keyword.Names.Select(name => name.ToLowerInvariant()).Distinct();
            var described = new JsonObject { ["names"] = new JsonArray([.. names.Select(name => (JsonNode)name)]) };
            foreach (var (what, value) in values) described[what] = value!.DeepClone();
            list[keyword.Name] = described;
        }
        return list;
    }

    /// <summary>Null where the client takes no value at all for the keyword.</summary>
    static JsonObject? ValuesOf(Client client, Keyword keyword)
    {
        var type = Nullable.GetUnderlyingType(keyword.Type) ?? keyword.Type;
        string? ValueOf(string value) => client.ValueOf(keyword, value);
        if (ValueOf("x 1") is not null) return Text(length => ValueOf(new string('x', length)) is not null);
        var empty = ValueOf("") is not null;
        // Too many to list: the property tests hold the forms against the client.
        if (Forms.GetValueOrDefault(type.Name) is { } form) return empty ? new JsonObject { ["form"] = form, ["empty"] = true } : new JsonObject { ["form"] = form };
        if (type == typeof(int) || type == typeof(TimeSpan))
        {
            var ranges = Numbers(value => ValueOf(value.ToString()) is not null);
            return ranges.Count == 0 ? null : empty ? new JsonObject { ["numbers"] = ranges, ["empty"] = true } : new JsonObject { ["numbers"] = ranges };
        }
        var choices = new JsonObject();
        foreach (var candidate in Candidates(type, keyword).Distinct())
            if (ValueOf(candidate) is { Length: > 0 } value && !int.TryParse(value, out _)) choices[candidate] = value;
        if (choices.Count == 0) return null;
        var taken = new JsonObject { ["choices"] = choices };
        if (empty) taken["empty"] = true;
        if (choices.FirstOrDefault(each => each.Key.Any(char.IsLetter)).Key is not { } first) return taken;
        if (ValueOf(first.ToUpperInvariant()) is null) taken["exactCase"] = true;
        if (client.Separator == ";" && ValueOf($"' {first} '") is null) taken["exactBlanks"] = true;
        if (client.Separator == ";" && ValueOf("''") is not null) taken["emptyQuoted"] = true;
        if (type == typeof(string) && ValueOf($"{first},{first}") is not null) taken["list"] = true;
        return taken;
    }

    /// <summary>Any text, of so many characters at most.</summary>
    static JsonObject Text(Func<int, bool> taken)
    {
        var (left, right) = (1, 4_000);
        if (taken(right)) return new JsonObject { ["text"] = true };
        while (right - left > 1)
        {
            var middle = (left + right) / 2;
            if (taken(middle)) left = middle;
            else right = middle;
        }
        return new JsonObject { ["text"] = true, ["longest"] = left };
    }

    static IEnumerable<string> Candidates(Type type, Keyword keyword)
    {
        if (type == typeof(bool)) return Flags;
        // Npgsql keeps some choices as a text, and their names in an enumeration of the property's name.
        var own = type.IsEnum ? type : Type.GetType($"Npgsql.{keyword.Names.ElementAtOrDefault(1)}, Npgsql");
        if (own is not { IsEnum: true }) return Words;
        var names = Enum.GetNames(own).SelectMany(name => new[] { name, Humps().Replace(name, " "), Humps().Replace(name, "-") }).Select(name => name.ToLowerInvariant());
        var numbers = Enum.GetValuesAsUnderlyingType(own).Cast<object>().Select(number => number.ToString()!);
        return names.Concat(numbers).Concat(keyword.Name == "protocol" ? Words : []);
    }

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")]
    private static partial Regex Humps();

    /// <summary>Ranges of whole numbers that are taken: edges are looked for between samples that differ.</summary>
    static JsonArray Numbers(Func<int, bool> taken)
    {
        int[] samples = [int.MinValue, -1_000, -1, 0, 1, 5, 100, 257, 1_000, 20_000, 100_000, int.MaxValue];
        var answers = samples.Select(taken).ToArray();
        var ranges = new JsonArray();
        int? start = answers[0] ? samples[0] : null;
        for (var at = 1; at < samples.Length; at++)
        {
            if (answers[at - 1] == answers[at]) continue;
            var (left, right) = ((long)samples[at - 1], (long)samples[at]);
            while (right - left > 1)
            {
                var middle = (left + right) / 2;
                if (taken((int)middle) == answers[at - 1]) left = middle;
                else right = middle;
            }
            if (start is { } from) ranges.Add(new JsonArray(from, (int)left));
            start = answers[at] ? (int)right : null;
        }
        if (start is { } open) ranges.Add(new JsonArray(open, int.MaxValue));
        return ranges;
    }
}
