import { type SyntaxNode, syntaxOf } from './kusto.ts';

/**
 * Runs a query on rows, by the tree that Microsoft's parser makes of it. It knows what the queries of the alerts and the
 * workbook's list of findings use, and throws at all else. Times are ms since 1970, time spans ms; null compares with nothing.
 */

type Value = unknown;
export type Row = Record<string, Value>;
export type Tables = Record<string, readonly Row[]>;

export function runQuery(query: string, tables: Tables, now: Date): Row[] {
  const scope = new Map<string, Value>();
  let result: Row[] = [];
  for (const statement of items(part(syntaxOf(query), 'Statements'))) {
    const expression = part(statement, 'Expression');
    if (statement.kind === 'LetStatement') {
      const value = new Run(tables, scope, now.getTime()).value(expression, {});
      scope.set(part(statement, 'Name').text, value);
    } else result = new Run(tables, scope, now.getTime()).rows(expression);
  }
  return result;
}

class Run {
  readonly #tables: Tables;
  readonly #scope: ReadonlyMap<string, Value>;
  readonly #now: number;

  constructor(tables: Tables, scope: ReadonlyMap<string, Value>, now: number) {
    this.#tables = tables;
    this.#scope = scope;
    this.#now = now;
  }

  rows(node: SyntaxNode): Row[] {
    switch (node.kind) {
      case 'ParenthesizedExpression':
        return this.rows(part(node, 'Expression'));
      case 'PipeExpression':
        return this.#operator(part(node, 'Operator'), this.rows(part(node, 'Expression')));
      case 'DataTableExpression':
        if (items(part(node, 'Values')).length > 0) break;
        return [];
      case 'UnionOperator': {
        // A leg that does not resolve is left out where the union is fuzzy, as long as one is left.
        const isFuzzy = part(node, 'Parameters').text === 'isfuzzy=true';
        const legs = items(part(node, 'Expressions'));
        const resolved = legs.filter((leg) => !isFuzzy || leg.kind !== 'NameReference' || leg.text in this.#tables);
        if (resolved.length === 0) throw new Error('No leg of the union resolves.');
        return resolved.flatMap((leg) => this.rows(leg));
      }
      case 'NameReference': {
        const table = this.#tables[node.text];
        if (!table) throw new Error(`There is no table ${node.text}.`);
        return [...table];
      }
    }
    throw new Error(`Not known here: ${node.kind} ${node.text}`);
  }

  #operator(node: SyntaxNode, rows: Row[]): Row[] {
    switch (node.kind) {
      case 'FilterOperator':
        return rows.filter((row) => this.value(part(node, 'Condition'), row) === true);
      case 'ProjectOperator':
        return rows.map((row) => this.#columns(node, row));
      case 'ProjectAwayOperator': {
        const away = items(part(node, 'Expressions')).map(({ text }) => text);
        return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !away.includes(name))));
      }
      case 'ExtendOperator':
        return rows.map((row) => ({ ...row, ...this.#columns(node, row) }));
      case 'SummarizeOperator':
        return this.#summarize(node, rows);
      case 'SortOperator': {
        const keys = items(part(node, 'Expressions'));
        return rows.sort((a, b) => keys.map((key) => this.#compare(key, a, b)).find((order) => order !== 0) ?? 0);
      }
    }
    throw new Error(`Not known here: ${node.kind}`);
  }

  #columns(node: SyntaxNode, row: Row, names: 'Expressions' | 'Aggregates' = 'Expressions', group?: Row[]): Row {
    return Object.fromEntries(
      items(part(node, names)).map((column) => {
        const isNamed = column.kind === 'SimpleNamedExpression';
        const expression = isNamed ? part(column, 'Expression') : column;
        const value = group ? this.#aggregate(expression, group) : this.value(expression, row);
        return [isNamed ? part(column, 'Name').text : column.text, value];
      }),
    );
  }

  /** Without `by` there is one row, also of nothing. */
  #summarize(node: SyntaxNode, rows: Row[]): Row[] {
    const by = node.parts.find(({ name }) => name === 'ByClause')?.node;
    if (!by) return [this.#columns(node, {}, 'Aggregates', rows)];
    const groups = Map.groupBy(rows, (row) => JSON.stringify(this.#columns(by, row)));
    return [...groups].map(([key, group]) => ({
      ...(JSON.parse(key) as Row),
      ...this.#columns(node, {}, 'Aggregates', group),
    }));
  }

  #aggregate(node: SyntaxNode, rows: Row[]): Value {
    const name = part(node, 'Name').text;
    const [over] = items(part(part(node, 'ArgumentList'), 'Expressions'));
    if (name === 'count') return rows.length;
    if (name !== 'max' || !over) throw new Error(`Not known here: ${node.text}`);
    const values = rows.map((row) => this.value(over, row) as number);
    return values.length === 0 ? null : Math.max(...values);
  }

  #compare(key: SyntaxNode, a: Row, b: Row): number {
    const column = part(key, 'Expression');
    const [left, right] = [this.value(column, a), this.value(column, b)] as [string, string];
    const order = left < right ? -1 : left > right ? 1 : 0;
    return key.text.endsWith(' asc') ? order : -order;
  }

  value(node: SyntaxNode, row: Row): Value {
    switch (node.kind) {
      case 'ParenthesizedExpression':
        return this.value(part(node, 'Expression'), row);
      case 'LiteralExpression':
        return literal(node.text);
      case 'DynamicExpression':
        return JSON.parse(part(node, 'Expression').text.replaceAll("'", '"'));
      case 'NameReference':
        if (node.text in row) return row[node.text];
        if (this.#scope.has(node.text)) return this.#scope.get(node.text);
        break;
      case 'PathExpression':
        return (this.value(part(node, 'Expression'), row) as Row | undefined)?.[part(node, 'Selector').text] ?? null;
      case 'ToScalarExpression':
        return Object.values(this.rows(part(node, 'Expression'))[0] ?? {})[0] ?? null;
      case 'BinaryExpression':
        return binary(
          part(node, 'Operator').text,
          this.value(part(node, 'Left'), row),
          this.value(part(node, 'Right'), row),
        );
      case 'BetweenExpression': {
        const value = this.value(part(node, 'Left'), row);
        const [from, to] = ['First', 'Second'].map((end) => this.value(part(part(node, 'Right'), end), row));
        return binary('>=', value, from) && binary('<=', value, to);
      }
      case 'InExpression': {
        const list = items(part(part(node, 'Right'), 'Expressions')).flatMap((each) => this.value(each, row));
        return list.includes(this.value(part(node, 'Left'), row));
      }
      case 'FunctionCallExpression': {
        const args = items(part(part(node, 'ArgumentList'), 'Expressions'));
        return this.#call(
          part(node, 'Name').text,
          args.map((argument) => this.value(argument, row)),
        );
      }
    }
    throw new Error(`Not known here: ${node.kind} ${node.text}`);
  }

  #call(name: string, args: Value[]): Value {
    switch (name) {
      case 'now':
        return this.#now;
      case 'ago':
        return this.#now - (args[0] as number);
      case 'not':
        return args[0] !== true;
      case 'tostring':
        return args[0] === null ? '' : String(args[0]);
      case 'isnotempty':
        return args[0] !== null && args[0] !== '';
      case 'coalesce':
        return args.find((value) => value !== null) ?? null;
      case 'case':
        return args.find((_, index) => index % 2 === 1 && args[index - 1] === true) ?? args.at(-1);
    }
    throw new Error(`Not known here: ${name}()`);
  }
}

const unitsMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function literal(text: string): Value {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (unitsMs[unit] ?? Number.NaN);
  const [, instant] = /^datetime\((.*)\)$/.exec(text) ?? [];
  if (instant !== undefined) return Date.parse(instant);
  return JSON.parse(text) as Value;
}

function binary(operator: string, left: Value, right: Value): Value {
  if (operator === 'and') return left === true && right === true;
  if (operator === 'or') return left === true || right === true;
  if (left === null || right === null) return operator === '+' || operator === '-' ? null : false;
  const [a, b] = [left, right] as [number, number];
  switch (operator) {
    case '==':
      return a === b;
    case '>':
      return a > b;
    case '<':
      return a < b;
    case '>=':
      return a >= b;
    case '<=':
      return a <= b;
    case '+':
      return a + b;
    case '-':
      return a - b;
  }
  throw new Error(`Not known here: ${operator}`);
}

function part(node: SyntaxNode, name: string): SyntaxNode {
  const found = node.parts.find((each) => each.name === name);
  if (!found) throw new Error(`${node.kind} has no ${name}: ${node.text}`);
  return found.node;
}

/** Of a list, without what divides them. */
function items(list: SyntaxNode): SyntaxNode[] {
  return list.parts.map(({ node }) => (node.kind === 'SeparatedElement' ? (node.parts[0]?.node ?? node) : node));
}
