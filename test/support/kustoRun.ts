import { type SyntaxNode, syntaxOf } from './kusto.ts';

/**
 * Runs a query on rows, by the tree that Microsoft's parser makes of it. It knows what the queries of findings, silence and web apps
 * use, and throws at all else. Times are ms since 1970, time spans ms; a comparison with null is false.
 */
export function runQuery(query: string, tables: Tables, now: Date): Row[] {
  const run = new Run(tables, now.getTime());
  return items(part(syntaxOf(query), 'Statements')).flatMap((statement) => run.statement(statement));
}

export type Row = Record<string, unknown>;
export type Tables = Record<string, readonly Row[]>;

class Run {
  readonly #tables: Tables;
  readonly #now: number;
  readonly #lets: Row = {};

  constructor(tables: Tables, now: number) {
    this.#tables = tables;
    this.#now = now;
  }

  statement(node: SyntaxNode): Row[] {
    if (node.kind !== 'LetStatement') return this.#rows(part(node, 'Expression'));
    this.#lets[part(node, 'Name').text] = this.#value(part(node, 'Expression'), {});
    return [];
  }

  #rows(node: SyntaxNode): Row[] {
    switch (node.kind) {
      case 'ParenthesizedExpression':
        return this.#rows(part(node, 'Expression'));
      case 'PipeExpression':
        return this.#operator(part(node, 'Operator'), this.#rows(part(node, 'Expression')));
      case 'DataTableExpression':
        return part(node, 'Values').text === '' ? [] : notKnown(node);
      case 'UnionOperator': {
        // A leg that does not resolve is left out of a fuzzy union, as long as one is left.
        const isFuzzy = part(node, 'Parameters').text === 'isfuzzy=true';
        const legs = items(part(node, 'Expressions'));
        const resolved = legs.filter(({ kind, text }) => kind !== 'NameReference' || !isFuzzy || text in this.#tables);
        return resolved.length === 0 ? notKnown(node) : resolved.flatMap((leg) => this.#rows(leg));
      }
      case 'NameReference':
        return [...(this.#tables[node.text] ?? notKnown(node))];
    }
    return notKnown(node);
  }

  #operator(node: SyntaxNode, rows: Row[]): Row[] {
    switch (node.kind) {
      case 'FilterOperator':
        return rows.filter((row) => this.#value(part(node, 'Condition'), row) === true);
      case 'ProjectOperator':
        return rows.map((row) => this.#columns(node, (expression) => this.#value(expression, row)));
      case 'ExtendOperator':
        return rows.map((row) => ({ ...row, ...this.#columns(node, (expression) => this.#value(expression, row)) }));
      case 'DistinctOperator': {
        const columns = rows.map((row) => this.#columns(node, (expression) => this.#value(expression, row)));
        return [...new Set(columns.map((row) => JSON.stringify(row)))].map((row) => JSON.parse(row) as Row);
      }
      case 'SummarizeOperator': {
        const by = node.parts.find(({ name }) => name === 'ByClause')?.node;
        const aggregated = (of: Row[]) =>
          this.#columns(node, (expression) => this.#aggregate(expression, of), 'Aggregates');
        // Without `by` there is one row, also of nothing.
        if (!by) return [aggregated(rows)];
        const keyed = rows.map((row) => ({
          row,
          key: this.#columns(by, (expression) => this.#value(expression, row)),
        }));
        return [...Map.groupBy(keyed, ({ key }) => JSON.stringify(key))].map(([key, of]) => ({
          ...(JSON.parse(key) as Row),
          ...aggregated(of.map(({ row }) => row)),
        }));
      }
      case 'TopOperator': {
        const by = part(node, 'ByExpression');
        if (!by.text.endsWith(' desc')) return notKnown(node);
        const ordered = [...rows].sort(
          (a, b) => Number(this.#value(part(by, 'Expression'), b)) - Number(this.#value(part(by, 'Expression'), a)),
        );
        return ordered.slice(0, Number(part(node, 'Expression').text));
      }
      case 'SortOperator': {
        const keys = items(part(node, 'Expressions')).map((key) => (key.text.endsWith(' asc') ? key : notKnown(key)));
        const ordered = rows.map((row) => ({ row, by: keys.map((key) => this.#value(part(key, 'Expression'), row)) }));
        return ordered.sort((a, b) => (JSON.stringify(a.by) < JSON.stringify(b.by) ? -1 : 1)).map(({ row }) => row);
      }
    }
    return notKnown(node);
  }

  #columns(node: SyntaxNode, evaluate: (expression: SyntaxNode) => unknown, list = 'Expressions'): Row {
    const columns = items(part(node, list)).map((column) =>
      column.kind === 'SimpleNamedExpression'
        ? [part(column, 'Name').text, evaluate(part(column, 'Expression'))]
        : [column.text, evaluate(column)],
    );
    return Object.fromEntries(columns) as Row;
  }

  #aggregate(node: SyntaxNode, rows: Row[]): unknown {
    const name = part(node, 'Name').text;
    if (name === 'count') return rows.length;
    const [over = node] = items(part(part(node, 'ArgumentList'), 'Expressions'));
    const values = rows.map((row) => this.#value(over, row) as number);
    const known = values.filter((value) => value !== null);
    const sum = known.reduce((total, value) => total + value, 0);
    switch (name) {
      case 'max':
        return known.length === 0 ? null : Math.max(...known);
      case 'sum':
        return sum;
      case 'avg':
        return known.length === 0 ? null : sum / known.length;
      case 'dcount':
        return new Set(values).size;
      case 'make_list':
        return known;
    }
    return notKnown(node);
  }

  #value(node: SyntaxNode, row: Row): unknown {
    const of = (...path: string[]) => this.#value(path.reduce(part, node), row);
    const listOf = (...path: string[]) => items(path.reduce(part, node)).map((each) => this.#value(each, row));
    switch (node.kind) {
      case 'ParenthesizedExpression':
        return of('Expression');
      case 'LiteralExpression':
        return literal(node.text);
      case 'DynamicExpression':
        return JSON.parse(part(node, 'Expression').text);
      case 'NameReference':
        return node.text in row ? row[node.text] : (this.#lets[node.text] ?? null);
      case 'PathExpression':
        return (of('Expression') as Row | undefined)?.[part(node, 'Selector').text] ?? null;
      case 'ToScalarExpression':
        return Object.values(this.#rows(part(node, 'Expression'))[0] ?? {})[0] ?? null;
      case 'BinaryExpression':
        return binary(part(node, 'Operator').text, of('Left'), of('Right'));
      case 'BetweenExpression':
        return binary('>=', of('Left'), of('Right', 'First')) && binary('<=', of('Left'), of('Right', 'Second'));
      case 'InExpression':
        return listOf('Right', 'Expressions').flat().includes(of('Left'));
      case 'FunctionCallExpression':
        return this.#call(node, listOf('ArgumentList', 'Expressions'));
    }
    return notKnown(node);
  }

  #call(node: SyntaxNode, args: unknown[]): unknown {
    const [first] = args;
    switch (part(node, 'Name').text) {
      case 'now':
        return this.#now;
      case 'ago':
        return this.#now - Number(first);
      case 'not':
        return first !== true;
      case 'tostring':
        return first === null ? '' : String(first);
      case 'iff':
        return first === true ? args[1] : args[2];
      case 'bin':
        return Math.floor(Number(first) / Number(args[1])) * Number(args[1]);
      case 'isnotempty':
        return first !== null && first !== undefined && first !== '';
      case 'coalesce':
        return args.find((value) => value !== null) ?? null;
      case 'case':
        return args.find((_, index) => index % 2 === 1 && args[index - 1] === true) ?? args.at(-1);
    }
    return notKnown(node);
  }
}

function literal(text: string): unknown {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count) return Number(count) * ({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? Number.NaN);
  const [, instant] = /^datetime\((.*)\)$/.exec(text) ?? [];
  if (instant) return Date.parse(instant);
  const [, int] = /^int\((-?\d+)\)$/.exec(text) ?? [];
  const [, verbatim] = /^@"(.*)"$/.exec(text) ?? [];
  return int ? Number(int) : (verbatim ?? JSON.parse(text));
}

function binary(operator: string, left: unknown, right: unknown): unknown {
  if (operator === 'and') return left === true && right === true;
  if (operator === 'matches regex') return new RegExp(String(right)).test(String(left));
  const isSum = ['+', '-', '/'].includes(operator);
  if (left === null || right === null) return isSum ? null : false;
  const [a, b] = [left, right] as [number, number];
  const values: Record<string, unknown> = {
    '==': a === b,
    '=~': String(a).toLowerCase() === String(b).toLowerCase(),
    '>': a > b,
    '<': a < b,
    '>=': a >= b,
    '<=': a <= b,
    '+': a + b,
    '-': a - b,
    '/': a / b,
  };
  if (!(operator in values)) throw new Error(`Not known here: ${operator}`);
  return values[operator];
}

function part(node: SyntaxNode, name: string): SyntaxNode {
  return node.parts.find((each) => each.name === name)?.node ?? notKnown(node);
}

/** The items of a list, without what divides them. */
function items(list: SyntaxNode): SyntaxNode[] {
  return list.parts.map(({ node }) => (node.kind === 'SeparatedElement' ? (node.parts[0]?.node ?? node) : node));
}

function notKnown(node: SyntaxNode): never {
  throw new Error(`Not known here: ${node.kind} ${node.text}`);
}
