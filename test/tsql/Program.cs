// Parses T-SQL with Microsoft's own parser, in the grammars of SQL Server 2022 (160) and 2025 (170).
//   stdin:  [{ "name", "text", "identifiers"? }]
//   stdout: [{ "name", "grammar", "line", "column", "number", "message" }], empty when all is well
// `identifiers` are names, without delimiters, that the text must hold as identifiers and not within string literals: a
// name that breaks out of its delimiters can leave a text that parses. Such a finding has the number 0.
// What it does not prove: no table, column, option or permission is looked up, and nothing is run.

using System.Text.Json;
using Microsoft.SqlServer.TransactSql.ScriptDom;

(string Name, TSqlParser Parser)[] grammars =
[
    ("TSql160", new TSql160Parser(initialQuotedIdentifiers: true)),
    ("TSql170", new TSql170Parser(initialQuotedIdentifiers: true)),
];

using var input = Console.OpenStandardInput();
using var output = Console.OpenStandardOutput();
var statements = JsonSerializer.Deserialize<Statement[]>(input, JsonSerializerOptions.Web)
    ?? throw new JsonException("An array of statements is expected on stdin.");
JsonSerializer.Serialize(output, statements.SelectMany(Findings), JsonSerializerOptions.Web);

IEnumerable<Finding> Findings(Statement statement) =>
    grammars.SelectMany(grammar => Check(statement, grammar.Name, grammar.Parser));

static IEnumerable<Finding> Check(Statement statement, string grammar, TSqlParser parser)
{
    var tree = parser.Parse(new StringReader(statement.Text), out var errors);
    foreach (var error in errors)
        yield return new(statement.Name, grammar, error.Line, error.Column, error.Number, error.Message);
    if (errors.Count > 0) yield break;

    var found = new Found();
    tree.Accept(found);
    foreach (var name in statement.Identifiers ?? [])
    {
        if (!found.Identifiers.Contains(name))
            yield return new(statement.Name, grammar, 1, 1, 0, $"No identifier has the value {name}");
        foreach (var literal in found.Strings.Where(literal => literal.Value.Contains(name)))
            yield return new(statement.Name, grammar, literal.StartLine, literal.StartColumn, 0, $"A string holds {name}");
    }
}

record Statement(string Name, string Text, string[]? Identifiers);

record Finding(string Name, string Grammar, int Line, int Column, int Number, string Message);

class Found : TSqlFragmentVisitor
{
    public HashSet<string> Identifiers { get; } = [];
    public List<StringLiteral> Strings { get; } = [];

    public override void Visit(Identifier node) => Identifiers.Add(node.Value);
    public override void Visit(StringLiteral node) => Strings.Add(node);
}
