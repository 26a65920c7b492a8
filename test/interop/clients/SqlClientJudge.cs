using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Data.SqlClient;

class SqlClientJudge : Client
{
    const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
    static readonly Assembly Library = typeof(SqlConnection).Assembly;

    // A pool without limit, and a database: some keywords are taken only then.
    public override string[] Bases => ["Data Source=s;Initial Catalog=d;Max Pool Size=2147483647"];
    public override string Separator => ";";

    public override IEnumerable<Keyword> Keywords()
    {
        var options = Library.GetType("Microsoft.Data.SqlClient.SqlConnectionOptions")!;
        var names = (Dictionary<string, string>)options.GetField("s_keywordMap", Any)!.GetValue(null)!;
        return from entry in names
               group entry.Key by entry.Value into keyword
               let property = PropertyOf(keyword.Key)
               where property is not null
               select new Keyword(keyword.Key, [keyword.Key, .. keyword.Where(name => name != keyword.Key).Order()], property.PropertyType);
    }

    /// <summary>The public builder knows which property a keyword sets.</summary>
    static PropertyInfo? PropertyOf(string keyword)
    {
        var table = (IDictionary)typeof(SqlConnectionStringBuilder).GetField("s_keywords", Any)!.GetValue(null)!;
        return typeof(SqlConnectionStringBuilder).GetProperty(table[keyword]?.ToString() ?? "");
    }

    protected override JsonObject Understood(string text)
    {
        using var connection = new SqlConnection(text);
        var options = typeof(SqlConnection).GetProperty("UserConnectionOptions", Any)!.GetValue(connection);
        var values = new JsonObject();
        foreach (var keyword in Keywords()) values[keyword.Name] = options is null ? null : Json(ValueOf(options, PropertyOf(keyword.Name)!));
        var server = Library.GetType("Microsoft.Data.SqlClient.ManagedSni.DataSource")!.GetMethod("ParseServerName", Any)!.Invoke(null, [connection.DataSource])
            ?? throw new ArgumentException("the data source names no server");
        object? Of(string name) => server.GetType().GetProperty(name, Any)!.GetValue(server);
        return new JsonObject
        {
            ["values"] = values,
            ["server"] = new JsonObject
            {
                ["host"] = Json(Of("ServerName")),
                ["port"] = Json(Of("Port")),
                ["instance"] = Json(Of("InstanceName")),
                ["protocol"] = Json(Of("ResolvedProtocol")?.ToString()),
                ["browser"] = Json(Of("IsSsrpRequired")),
            },
        };
    }

    static object? ValueOf(object options, PropertyInfo property)
    {
        var name = property.Name == "MultipleActiveResultSets" ? "MARS" : property.Name;
        return options.GetType().GetProperty(name, Any | BindingFlags.IgnoreCase)!.GetValue(options);
    }
}
