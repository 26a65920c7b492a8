import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';

/**
 * Microsoft's own parser and analyser of KQL, with the tables that the alerts and the workbook may read. Columns: Azure
 * Monitor reference, "AppMetrics", "AppTraces", "AppExceptions", "AppRequests",
 * "AppDependencies", "AppPerformanceCounters" and "Operation".
 */

const common = {
  TenantId: 'string',
  TimeGenerated: 'datetime',
  Properties: 'dynamic',
  OperationId: 'string',
  OperationName: 'string',
  ParentId: 'string',
  AppRoleInstance: 'string',
  AppRoleName: 'string',
  AppVersion: 'string',
  ItemCount: 'int',
  SourceSystem: 'string',
  UserAuthenticatedId: 'string',
  UserId: 'string',
  Type: 'string',
  _ResourceId: 'string',
};

const tables: Record<string, Record<string, string>> = {
  AppMetrics: { ...common, Name: 'string', Sum: 'real', Min: 'real', Max: 'real' },
  Operation: {
    TenantId: 'string',
    TimeGenerated: 'datetime',
    OperationCategory: 'string',
    OperationStatus: 'string',
    Detail: 'string',
  },
  AppExceptions: { ...common, ExceptionType: 'string', SeverityLevel: 'int' },
  AppPerformanceCounters: { ...common, Category: 'string', Name: 'string', Value: 'real' },
  AppTraces: { ...common, Message: 'string', SeverityLevel: 'int' },
  AppRequests: {
    ...common,
    Id: 'string',
    Name: 'string',
    Url: 'string',
    Success: 'bool',
    ResultCode: 'string',
    DurationMs: 'real',
  },
  AppDependencies: {
    ...common,
    Id: 'string',
    Name: 'string',
    Target: 'string',
    Data: 'string',
    DependencyType: 'string',
    Success: 'bool',
    ResultCode: 'string',
    DurationMs: 'real',
  },
};

export const tableNames = Object.keys(tables);

/** The part of the library that is used here; its own declarations are for scripts without modules. */
interface Kusto {
  Symbols: {
    TableSymbol: { From(schema: string): NamedSymbol };
    /** Named as Bridge.NET names an overload. */
    DatabaseSymbol: { ctor: new (name: string, members: NamedSymbol[]) => object };
  };
  GlobalState: { Default: { WithDatabase(database: object): object } };
  KustoCode: {
    ParseAndAnalyze(text: string, globals: object): { GetDiagnostics(): List<Diagnostic>; Syntax: Element };
  };
}
interface Element {
  NameInParent: string | null;
  ChildCount: number;
  GetChild(index: number): Element | null;
  toString(): string;
}
interface NamedSymbol {
  WithName(name: string): NamedSymbol;
}
interface List<T> {
  Count: number;
  getItem(index: number): T;
}
interface Diagnostic {
  Message: string;
  Severity: string;
  Start: number;
}

let loaded: { kusto: Kusto; globals: object } | undefined;

/** Scripts of before modules, that declare globals: read by their real paths, the runtime of Bridge.NET first. */
function load() {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  for (const file of ['bridge.js', 'Kusto.Language.Bridge.js']) {
    const path = require.resolve(`@kusto/language-service-next/${file}`);
    runInThisContext(readFileSync(path, 'utf8'), { filename: path });
  }
  const { Language: kusto } = (globalThis as unknown as { Kusto: { Language: Kusto } }).Kusto;
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const schema = Object.entries(columns).map(([column, type]) => `${column}: ${type}`);
    return kusto.Symbols.TableSymbol.From(`(${schema.join(', ')})`).WithName(name);
  });
  const database = new kusto.Symbols.DatabaseSymbol.ctor('workspace', symbols);
  loaded = { kusto, globals: kusto.GlobalState.Default.WithDatabase(database) };
  return loaded;
}

/** A node of the tree of a query: its parts by their names. */
export interface SyntaxNode {
  kind: string;
  text: string;
  parts: { name: string; node: SyntaxNode }[];
}

export function syntaxOf(query: string): SyntaxNode {
  const { kusto, globals } = load();
  const { Bridge } = globalThis as unknown as { Bridge: { getTypeName(value: object): string } };
  const nodeOf = (element: Element): SyntaxNode => {
    const children = Array.from({ length: element.ChildCount }, (_, index) => element.GetChild(index));
    return {
      kind: /\.Syntax\.(\w+)/.exec(Bridge.getTypeName(element))?.[1] ?? '',
      text: element.toString().trim(),
      parts: children.flatMap((child) => (child ? { name: child.NameInParent ?? '', node: nodeOf(child) } : [])),
    };
  };
  return nodeOf(kusto.KustoCode.ParseAndAnalyze(query, globals).Syntax);
}

/** Everything that the language service has to say of a query: errors, warnings and suggestions. */
export function diagnosticsOf(query: string): string[] {
  const { kusto, globals } = load();
  const diagnostics = kusto.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: diagnostics.Count }, (_, index) => {
    const { Severity, Message, Start } = diagnostics.getItem(index);
    return `${Severity} at ${Start}: ${Message}`;
  });
}
