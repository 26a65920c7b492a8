import type { Node } from 'web-tree-sitter';
import { byName } from '../../byName.ts';
import type { AppSettings } from '../appSettings.ts';
import {
  argumentsOf,
  field,
  isLambda,
  memberPath,
  namedChildren,
  type Place,
  receiverOf,
  simpleName,
  stringText,
} from './syntax.ts';
import { durationOfText, isKnown, type Known, knownDuration, knownNumber, knownText, type Value } from './value.ts';

/** What an expression can refer to. */
export interface Scope {
  file: string;
  /** Locals and parameters, by their names. */
  names: ReadonlyMap<string, Value>;
  settings: AppSettings;
  /** A constant or a method of the app, by its simple name; undefined where there is none, or several. */
  lookup(name: string): Value | undefined;
}

/**
 * The value of an expression in production: what does not depend on a run, and what appsettings say. All else is unknown, and
 * never guessed.
 */
export function evaluate(node: Node, scope: Scope): Value {
  const place = placeOf(node, scope);
  const text = stringText(node);
  if (text !== undefined) return { known: text, place };
  if (isLambda(node)) return { known: { kind: 'function', node, file: scope.file }, place };
  return evaluators[node.type]?.(node, scope, place) ?? { unknown: 'runTime', place };
}

export const placeOf = (node: Node, { file }: { file: string }): Place => ({ file, line: node.startPosition.row + 1 });

type Evaluator = (node: Node, scope: Scope, place: Place) => Value | undefined;

const inner: Evaluator = (node, scope) => {
  const last = namedChildren(node).at(-1);
  return last && evaluate(last, scope);
};

const evaluators: Record<string, Evaluator> = {
  boolean_literal: ({ text }, _, place) => ({ known: text === 'true', place }),
  null_literal: (_, __, place) => ({ known: null, place }),
  default_expression: (_, __, place) => ({ known: null, place }),
  integer_literal: ({ text }, _, place) => number(text.replaceAll('_', '').replace(/[ul]+$/i, ''), place),
  real_literal: ({ text }, _, place) => number(text.replaceAll('_', '').replace(/[dfm]$/i, ''), place),
  parenthesized_expression: inner,
  postfix_unary_expression: inner,
  cast_expression: inner,
  checked_expression: inner,
  identifier: ({ text }, scope) => scope.names.get(text) ?? scope.lookup(text),
  prefix_unary_expression: (node, scope, place) => {
    const value = inner(node, scope, place);
    if (!isKnown(value)) return value;
    if (node.text.startsWith('!') && typeof value.known === 'boolean') return { known: !value.known, place };
    if (node.text.startsWith('-') && typeof value.known === 'number') return { known: -value.known, place };
    return undefined;
  },
  binary_expression: binary,
  conditional_expression: (node, scope) => {
    const condition = evaluate(field(node, 'condition') ?? node, scope);
    if (!isKnown(condition) || typeof condition.known !== 'boolean') return undefined;
    const chosen = field(node, condition.known ? 'consequence' : 'alternative');
    return chosen && evaluate(chosen, scope);
  },
  member_access_expression: member,
  element_access_expression: (node, scope, place) => {
    const of = field(node, 'expression');
    const subscript = field(node, 'subscript');
    const [index] = subscript ? namedChildren(subscript) : [];
    const key = index && knownText(inner(index, scope, place));
    if (!of || key === undefined) return undefined;
    const prefix = sectionKey(of, scope);
    return prefix === undefined ? undefined : scope.settings.value(joined(prefix, key), place);
  },
  invocation_expression: call,
  object_creation_expression: created,
  implicit_object_creation_expression: created,
  collection_expression: (node, scope, place) => ({
    known: {
      kind: 'list',
      items: namedChildren(node).map((element) => inner(element, scope, place) ?? { unknown: 'runTime', place }),
    },
    place,
  }),
  collection_element: inner,
  expression_element: inner,
  initializer_expression: (node, scope, place) => ({
    known: { kind: 'list', items: namedChildren(node).map((element) => evaluate(element, scope)) },
    place,
  }),
  interpolated_string_expression: (node, scope, place) => {
    const parts = namedChildren(node)
      .filter(({ type }) => !/^interpolation_(start|quote)$/.test(type))
      .map((part) => (part.type === 'string_content' ? part.text : interpolated(part, scope)));
    return parts.includes(undefined) ? undefined : { known: parts.join(''), place };
  },
  array_creation_expression: inner,
  implicit_array_creation_expression: inner,
};

/** The text of `{name}`; what has a format, or is an escape sequence, is not known. */
function interpolated(part: Node, scope: Scope): string | undefined {
  const [expression, ...format] = namedChildren(part).filter(({ type }) => type !== 'interpolation_brace');
  return expression && format.length === 0 ? knownText(evaluate(expression, scope)) : undefined;
}

function number(text: string, place: Place): Value {
  const value = Number(text);
  return Number.isNaN(value) ? { unknown: 'runTime', place } : { known: value, place };
}

function binary(node: Node, scope: Scope, place: Place): Value | undefined {
  const [leftNode, rightNode] = [field(node, 'left'), field(node, 'right')];
  if (!leftNode || !rightNode) return undefined;
  const [left, right] = [evaluate(leftNode, scope), evaluate(rightNode, scope)];
  const operator = node.children.find((child) => child && !child.isNamed)?.text ?? '';
  if (operator === '??') {
    if (isKnown(left)) return left.known === null ? right : left;
    return left;
  }
  const [a, b] = [isKnown(left) ? left.known : undefined, isKnown(right) ? right.known : undefined];
  if (operator === '&&' && (a === false || b === false)) return { known: false, place };
  if (operator === '||' && (a === true || b === true)) return { known: true, place };
  if (a === undefined || b === undefined) return undefined;
  const [spanA, spanB] = [knownDuration(left), knownDuration(right)];
  if (typeof a === 'object' && spanA !== undefined && typeof b === 'object' && spanB !== undefined) {
    if (operator === '+') return { known: { kind: 'duration', ms: spanA + spanB }, place };
    if (operator === '-') return { known: { kind: 'duration', ms: spanA - spanB }, place };
  }
  const known = arithmetic(a, operator, b);
  return known === undefined ? undefined : { known, place };
}

function arithmetic(a: Known, operator: string, b: Known): Known | undefined {
  if (operator === '==' && (typeof a !== 'object' || a === null)) return a === b;
  if (operator === '!=' && (typeof a !== 'object' || a === null)) return a !== b;
  if (typeof a === 'boolean' && typeof b === 'boolean')
    return operator === '&&' ? a && b : operator === '||' ? a || b : undefined;
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (typeof a !== 'number' || typeof b !== 'number') return undefined;
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? undefined : a / b;
    case '<<':
      return a * 2 ** b;
    case '>':
      return a > b;
    case '<':
      return a < b;
    default:
      return undefined;
  }
}

const spans = byName({
  Days: 86_400_000,
  Hours: 3_600_000,
  Minutes: 60_000,
  Seconds: 1_000,
  Milliseconds: 1,
  Ticks: 1e-4,
});

function member(node: Node, scope: Scope, place: Place): Value | undefined {
  const path = memberPath(node) ?? ['', simpleName(node)];
  const [of, name] = path.slice(-2);
  if (of === 'TimeSpan' || of === 'Timeout') {
    const ms = {
      MaxValue: Number.POSITIVE_INFINITY,
      MinValue: Number.NEGATIVE_INFINITY,
      Zero: 0,
      InfiniteTimeSpan: -1,
    }[name ?? ''];
    return ms === undefined ? undefined : { known: { kind: 'duration', ms }, place };
  }
  if ((of === 'DateTimeOffset' || of === 'DateTime') && name !== undefined) {
    if (['Now', 'UtcNow', 'Today'].includes(name)) return { known: { kind: 'fromNow', ms: 0 }, place };
    if (name === 'MinValue') return { known: { kind: 'instant', at: Date.UTC(1, 0, 1) }, place };
    if (name === 'MaxValue') return { known: { kind: 'instant', at: Date.UTC(9999, 11, 31) }, place };
  }
  const section = name === 'Value' ? sectionKey(field(node, 'expression') ?? node, scope) : undefined;
  if (section) return scope.settings.value(section, place);
  if (name === 'EnvironmentName') return { known: 'Production', place };
  if (of === 'Environments' && name !== undefined) return { known: name, place };
  if (of === 'string' && name === 'Empty') return { known: '', place };
  const known = { MaxValue: { int: 2 ** 31 - 1, long: 2 ** 63 }[of ?? ''] }[name ?? ''];
  if (known !== undefined) return { known, place };
  // A constant of a class, or a method as a value; never what another object may hold.
  return path.length === 2 && name !== undefined && /^(this|[A-Z]\w*)$/.test(of ?? '') ? scope.lookup(name) : undefined;
}

function created(node: Node, scope: Scope, place: Place): Value {
  const type = simpleName(field(node, 'type'));
  const args = argumentsOf(node).map(({ value }) => evaluate(value, scope));
  const span = type === 'TimeSpan' ? spanOf(args.map(knownNumber)) : undefined;
  if (span !== undefined) return { known: { kind: 'duration', ms: span }, place };
  if (type === 'DateTimeOffset' || type === 'DateTime') return { ...dateOf(args), place };
  const initializer = namedChildren(node).find(({ type: kind }) => kind === 'initializer_expression');
  const pairs = (initializer ? namedChildren(initializer) : []).flatMap((each): [string, Value][] => {
    const [left, right] = [field(each, 'left'), field(each, 'right')];
    return each.type === 'assignment_expression' && left && right ? [[left.text, evaluate(right, scope)]] : [];
  });
  if (initializer && pairs.length === 0 && /^(List|HashSet)$/.test(type)) return evaluate(initializer, scope);
  return { known: { kind: 'object', type, properties: new Map(pairs), args }, place };
}

/** `new TimeSpan(…)`: ticks; hours, minutes, seconds; days and those; and milliseconds. */
function spanOf(args: (number | undefined)[]): number | undefined {
  if (args.some((each) => each === undefined)) return undefined;
  const numbers = args as number[];
  if (numbers.length === 1) return (numbers[0] ?? 0) / 10_000;
  const [days, hours, minutes, seconds, ms = 0] = numbers.length === 3 ? [0, ...numbers] : numbers;
  return ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000 + ms;
}

function dateOf(args: Value[]): { known: Known } | { unknown: 'runTime' } {
  const [first] = args;
  if (isKnown(first) && first.known !== null && typeof first.known === 'object') return { known: first.known };
  const numbers = args.map(knownNumber).filter((each) => each !== undefined);
  const [year, month, day, hour = 0, minute = 0, second = 0] = numbers;
  if (year === undefined || month === undefined || day === undefined) return { unknown: 'runTime' };
  return { known: { kind: 'instant', at: Date.UTC(year, month - 1, day, hour, minute, second) } };
}

function call(node: Node, scope: Scope, place: Place): Value | undefined {
  const name = simpleName(field(node, 'function'));
  const receiver = receiverOf(node);
  const args = argumentsOf(node).map(({ value }) => evaluate(value, scope));
  const [first] = args;
  if (name === 'IsDevelopment' || name === 'IsStaging') return { known: false, place };
  if (name === 'IsProduction') return { known: true, place };
  if (name === 'IsEnvironment') {
    const text = knownText(first);
    return text === undefined ? undefined : { known: /^production$/i.test(text), place };
  }
  if (name === 'Equals' && receiver && first) {
    const [a, b] = [knownText(evaluate(receiver, scope)), knownText(first)];
    return a === undefined || b === undefined ? undefined : { known: a.toLowerCase() === b.toLowerCase(), place };
  }
  if (name === 'GetEnvironmentVariable') return { unknown: 'outside', place };
  if (name === 'nameof') return { known: simpleName(argumentsOf(node)[0]?.value), place };
  if (receiver?.text === 'TimeSpan') return timeSpan(name, args, place);
  const added = /^Add(\w+)$/.exec(name)?.[1];
  const unit = added === undefined ? undefined : spans[added];
  if (unit !== undefined && receiver)
    return later(evaluate(receiver, scope), (knownNumber(first) ?? Number.NaN) * unit, place);
  if (/^Parse(Exact)?$/.test(name) && /^Date/.test(receiver?.text ?? '')) {
    const at = Date.parse(knownText(first) ?? '');
    return Number.isNaN(at) ? undefined : { known: { kind: 'instant', at }, place };
  }
  if (name === 'Split' && receiver) return split(evaluate(receiver, scope), place);
  if (/^(ToArray|ToList|AsEnumerable|Trim)$/.test(name) && receiver) return evaluate(receiver, scope);
  return configured(name, receiver, first, node, scope, place);
}

function timeSpan(name: string, args: Value[], place: Place): Value | undefined {
  const [first] = args;
  const unit = spans[name.replace(/^From/, '')];
  const ms =
    name === 'Parse' ? durationOfText(knownText(first) ?? '') : unit && (knownNumber(first) ?? Number.NaN) * unit;
  // `FromHours(1, minutes: 30)` and the like
  return ms === undefined || Number.isNaN(ms) || args.length > 1
    ? undefined
    : { known: { kind: 'duration', ms }, place };
}

function later(value: Value, ms: number, place: Place): Value | undefined {
  if (Number.isNaN(ms) || !isKnown(value) || value.known === null || typeof value.known !== 'object') return undefined;
  if (value.known.kind === 'fromNow') return { known: { kind: 'fromNow', ms: value.known.ms + ms }, place };
  return value.known.kind === 'instant' ? { known: { kind: 'instant', at: value.known.at + ms }, place } : undefined;
}

function split(value: Value, place: Place): Value | undefined {
  const text = knownText(value);
  if (text === undefined) return isKnown(value) ? undefined : value;
  const items = text.split(/[\s,;]+/).filter((item) => item !== '');
  return { known: { kind: 'list', items: items.map((known) => ({ known, place: value.place })) }, place };
}

const joined = (prefix: string, key: string) => (prefix === '' ? key : `${prefix}:${key}`);

/** What is read from the configuration: `GetValue<T>("A:B")`, `GetConnectionString("Redis")`, `GetSection("A")`. */
function configured(
  name: string,
  receiver: Node | undefined,
  first: Value | undefined,
  node: Node,
  scope: Scope,
  place: Place,
): Value | undefined {
  if (!/^(GetValue|GetConnectionString|GetSection|GetRequiredSection|Get)$/.test(name) || !receiver) return undefined;
  const prefix = sectionKey(name === 'Get' ? receiver : node, scope);
  if (name === 'Get') return prefix ? scope.settings.value(prefix, place) : undefined;
  if (prefix !== undefined && /Section$/.test(name)) return { known: { kind: 'section', key: prefix }, place };
  const [of, key] = [sectionKey(receiver, scope), knownText(first)];
  if (of === undefined || key === undefined) return undefined;
  return scope.settings.value(name === 'GetConnectionString' ? `ConnectionStrings:${key}` : joined(of, key), place);
}

/** The key of the section that an expression stands for: empty for the configuration itself, undefined for anything else. */
export function sectionKey(node: Node, scope: Scope): string | undefined {
  if (node.type === 'invocation_expression') {
    const receiver = receiverOf(node);
    const of = receiver && sectionKey(receiver, scope);
    if (of === undefined || !/^Get(Required)?Section$/.test(simpleName(field(node, 'function')))) return undefined;
    const [key] = argumentsOf(node).map(({ value }) => knownText(evaluate(value, scope)));
    return key === undefined ? undefined : joined(of, key);
  }
  const value = node.type === 'identifier' ? scope.names.get(node.text) : undefined;
  if (isKnown(value) && value.known !== null && typeof value.known === 'object' && value.known.kind === 'section')
    return value.known.key;
  return /config/i.test(memberPath(node)?.at(-1) ?? '') ? '' : undefined;
}
