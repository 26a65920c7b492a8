import type { Node } from 'web-tree-sitter';

/** Small questions to nodes of C#, by the names of tree-sitter-c-sharp's grammar. */

export interface Place {
  file: string;
  line: number;
}

export const placeText = ({ file, line }: Place) => `${file}:${line}`;

export const namedChildren = (node: Node): Node[] => node.namedChildren.filter((child) => child !== null);

export const field = (node: Node, name: string): Node | undefined => node.childForFieldName(name) ?? undefined;

/** The node and everything below it, in the order of the text. */
export function* descendants(node: Node): Generator<Node> {
  yield node;
  for (const child of namedChildren(node)) yield* descendants(child);
}

/** `Configure` of `services.Configure<T>`, `T` of `Some.Namespace.T?`. */
export function simpleName(node: Node | undefined): string {
  if (!node) return '';
  switch (node.type) {
    case 'identifier':
      return node.text;
    case 'member_access_expression':
    case 'member_binding_expression':
    case 'qualified_name':
    case 'alias_qualified_name':
      return simpleName(field(node, 'name') ?? namedChildren(node).at(-1));
    case 'generic_name':
    case 'nullable_type':
      return simpleName(namedChildren(node)[0]);
    case 'conditional_access_expression':
      return simpleName(namedChildren(node).at(-1));
    default:
      return '';
  }
}

/** `T` of `Configure<T>`, by its simple name. */
export function typeArgument(node: Node | undefined): string {
  const name = node?.type === 'member_access_expression' ? field(node, 'name') : node;
  if (name?.type !== 'generic_name') return '';
  const list = namedChildren(name).find(({ type }) => type === 'type_argument_list');
  return simpleName(list && namedChildren(list)[0]);
}

/** What a method is called on: `services` of `services.AddX()`. */
export const receiverOf = (call: Node): Node | undefined => {
  const called = field(call, 'function');
  return called?.type === 'member_access_expression' ? field(called, 'expression') : undefined;
};

export interface Argument {
  name: string | undefined;
  value: Node;
}

export function argumentsOf(call: Node): Argument[] {
  const list = field(call, 'arguments') ?? namedChildren(call).find(({ type }) => /argument_list$/.test(type));
  return list ? argumentsIn(list) : [];
}

/** The parts of a list of arguments, or of a tuple. */
export function argumentsIn(list: Node): Argument[] {
  return namedChildren(list)
    .filter(({ type }) => /^(attribute_)?argument$/.test(type))
    .flatMap((argument) => {
      const value = namedChildren(argument).at(-1);
      const name = field(argument, 'name')?.text;
      return value ? [{ name, value }] : [];
    });
}

export interface Parameter {
  name: string;
  type: string;
  extension: boolean;
}

/** Parameters of a method, a local function or a lambda. */
export function parametersOf(node: Node): Parameter[] {
  const list = field(node, 'parameters');
  if (!list) return [];
  if (list.type === 'implicit_parameter' || list.type === 'identifier')
    return [{ name: list.text, type: '', extension: false }];
  return namedChildren(list)
    .filter(({ type }) => type === 'parameter')
    .map((parameter) => ({
      name: field(parameter, 'name')?.text ?? parameter.text,
      type: simpleName(field(parameter, 'type')),
      extension: namedChildren(parameter).some(({ type, text }) => type === 'modifier' && text === 'this'),
    }));
}

export const isLambda = ({ type }: Node) => type === 'lambda_expression' || type === 'anonymous_method_expression';

/** The body of a method or lambda: a block or an expression. */
export const bodyOf = (node: Node): Node | undefined =>
  field(node, 'body') ?? namedChildren(node).find(({ type }) => type === 'block' || type === 'arrow_expression_clause');

/** The names from the root to the last of `options.L1CacheOptions.SizeLimit`; undefined where it is another expression. */
export function memberPath(node: Node): string[] | undefined {
  if (node.type === 'identifier') return [node.text];
  if (node.type === 'this_expression' || node.text === 'this') return ['this'];
  if (node.type === 'postfix_unary_expression') {
    const [inner] = namedChildren(node);
    return inner && memberPath(inner);
  }
  if (node.type !== 'member_access_expression') return undefined;
  const inner = field(node, 'expression');
  const path = inner && memberPath(inner);
  return path && [...path, simpleName(field(node, 'name'))];
}

/** The text of a string without interpolation; undefined where it is another expression. */
export function stringText(node: Node): string | undefined {
  if (node.type === 'verbatim_string_literal') return node.text.slice(2, -1).replaceAll('""', '"');
  if (node.type === 'raw_string_literal')
    return (
      namedChildren(node)
        .find(({ type }) => type === 'raw_string_content')
        ?.text.trim() ?? ''
    );
  if (node.type !== 'string_literal') return undefined;
  return namedChildren(node)
    .map(({ type, text }) => (type === 'escape_sequence' ? unescaped(text) : text))
    .join('');
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

function unescaped(text: string): string {
  const code = /^\\[uxU]([0-9a-f]+)$/i.exec(text)?.[1];
  if (code !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
  return escapes[text[1] ?? ''] ?? text.slice(1);
}
