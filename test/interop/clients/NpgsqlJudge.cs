using System.Reflection;
using System.Text.Json.Nodes;
using Npgsql;

class NpgsqlJudge : Client
{
    const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    // Some keywords are taken with several hosts only, or with one, or encrypted, or within the limits that others set.
    const string Wide = "SSL Mode=Require;Maximum Pool Size=2147483647;Connection Idle Lifetime=1000000;Connection Pruning Interval=1";
    public override string[] Bases => [$"Host=a,b;{Wide}", $"Host=a;{Wide}"];
    public override string Separator => ";";

    static IEnumerable<(PropertyInfo Property, string Name)> Properties() =>
        from property in typeof(NpgsqlConnectionStringBuilder).GetProperties()
        where property.GetCustomAttributes().Any(each => each.GetType().Name == "NpgsqlConnectionStringPropertyAttribute")
        select (property, property.GetCustomAttribute<System.ComponentModel.DisplayNameAttribute>()!.DisplayName);

    public override IEnumerable<Keyword> Keywords() => Properties().Select(each =>
    {
        var attribute = each.Property.GetCustomAttributes().Single(one => one.GetType().Name == "NpgsqlConnectionStringPropertyAttribute");
        var synonyms = (string[])attribute.GetType().GetProperty("Synonyms")!.GetValue(attribute)!;
        return new Keyword(each.Name, [each.Name, each.Property.Name, .. synonyms], each.Property.PropertyType);
    });

    protected override JsonObject Understood(string text)
    {
        var asked = new NpgsqlConnectionStringBuilder(text);
        using var source = NpgsqlDataSource.Create(WithSmallPool(text));
        var settings = SettingsOf(source);
        var values = new JsonObject();
        foreach (var (property, name) in Properties()) values[name] = Json(property.GetValue(name.Contains("Pool Size") ? asked : settings));
        // A data source of several hosts has one for each.
        var several = source.GetType().GetField("_pools", Any)?.GetValue(source) as IEnumerable<NpgsqlDataSource>;
        var hosts = (several ?? [source]).Select(SettingsOf).Select(one => new JsonObject { ["host"] = one.Host, ["port"] = one.Port });
        return new JsonObject { ["values"] = values, ["hosts"] = new JsonArray([.. hosts]) };
    }

    /// <summary>A data source makes room for its whole pool at once.</summary>
    static string WithSmallPool(string text)
    {
        var builder = new NpgsqlConnectionStringBuilder(text);
        if (builder.MaxPoolSize <= 10) return text;
        (builder.MinPoolSize, builder.MaxPoolSize) = builder.MinPoolSize <= builder.MaxPoolSize ? (0, 10) : (2, 1);
        return builder.ConnectionString;
    }

    static NpgsqlConnectionStringBuilder SettingsOf(NpgsqlDataSource source) =>
        (NpgsqlConnectionStringBuilder)typeof(NpgsqlDataSource).GetProperty("Settings", Any)!.GetValue(source)!;
}
