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
import {
  durationOfText,
  isKnown,
  isNull,
  type Known,
  knownAs,
  knownDuration,
  knownNumber,
  knownText,
  type Value,
} from './value.ts';

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
  return { place: placeOf(node, scope), ...(found(node, scope) ?? ({ unknown: 'runTime' } as const)) };
}

export const placeOf = (node: Node, { file }: { file: string }): Place => ({ file, line: node.startPosition.row + 1 });

/** What is known of an expression: of its own place, unless it says another. */
type Found = { known: Known } | { unknown: 'outside' } | Value | undefined;
type Evaluator = (node: Node, scope: Scope) => Found;

function found(node: Node, scope: Scope): Found {
  const text = stringText(node);
  if (text !== undefined) return { known: text };
  if (isLambda(node)) return { known: { kind: 'function', node, file: scope.file } };
  return evaluators[node.type]?.(node, scope);
}

function inner(node: Node, scope: Scope): Value | undefined {
  const last = namedChildren(node).at(-1);
  return last && evaluate(last, scope);
}

const evaluators: Record<string, Evaluator> = {
  boolean_literal: ({ text }) => ({ known: text === 'true' }),
  null_literal: () => ({ known: null }),
  default_expression: () => ({ known: null }),
  integer_literal: ({ text }) => number(text.replaceAll('_', '').replace(/[ul]+$/i, '')),
  real_literal: ({ text }) => number(text.replaceAll('_', '').replace(/[dfm]$/i, '')),
  parenthesized_expression: inner,
  postfix_unary_expression: inner,
  cast_expression: inner,
  checked_expression: inner,
  collection_element: inner,
  expression_element: inner,
  spread_element: inner,
  array_creation_expression: inner,
  implicit_array_creation_expression: inner,
  identifier: ({ text }, scope) => scope.names.get(text) ?? scope.lookup(text),
  prefix_unary_expression: (node, scope) => {
    const value = inner(node, scope);
    if (!isKnown(value)) return value;
    if (node.text.startsWith('!') && typeof value.known === 'boolean') return { known: !value.known };
    return node.text.startsWith('-') && typeof value.known === 'number' ? { known: -value.known } : undefined;
  },
  binary_expression: binary,
  conditional_expression: (node, scope) => {
    const condition = evaluate(field(node, 'condition') ?? node, scope);
    if (!isKnown(condition) || typeof condition.known !== 'boolean') return undefined;
    const chosen = field(node, condition.known ? 'consequence' : 'alternative');
    return chosen && evaluate(chosen, scope);
  },
  member_access_expression: member,
  element_access_expression: (node, scope) => {
    const subscript = field(node, 'subscript');
    const [index] = subscript ? namedChildren(subscript) : [];
    return setting(field(node, 'expression'), index && knownText(inner(index, scope)), node, scope);
  },
  invocation_expression: call,
  object_creation_expression: created,
  implicit_object_creation_expression: created,
  collection_expression: list,
  initializer_expression: list,
  interpolated_string_expression: (node, scope) => {
    const parts = namedChildren(node)
      .filter(({ type }) => !/^interpolation_(start|quote)$/.test(type))
      .map((part) => (part.type === 'string_content' ? part.text : interpolated(part, scope)));
    return parts.includes(undefined) ? undefined : { known: parts.join('') };
  },
};

function list(node: Node, scope: Scope): Found {
  return { known: { kind: 'list', items: namedChildren(node).map((element) => evaluate(element, scope)) } };
}

/** The text of `{name}`; what has a format, or is an escape sequence, is not known. */
function interpolated(part: Node, scope: Scope): string | undefined {
  const [expression, ...format] = namedChildren(part).filter(({ type }) => type !== 'interpolation_brace');
  return expression && format.length === 0 ? knownText(evaluate(expression, scope)) : undefined;
}

function number(text: string): Found {
  const value = Number(text);
  return Number.isNaN(value) ? undefined : { known: value };
}

function binary(node: Node, scope: Scope): Found {
  const [leftNode, rightNode] = [field(node, 'left'), field(node, 'right')];
  if (!leftNode || !rightNode) return undefined;
  const [left, right] = [evaluate(leftNode, scope), evaluate(rightNode, scope)];
  const operator = node.children.find((child) => child && !child.isNamed)?.text ?? '';
  if (operator === '??') return isNull(left) ? right : left;
  const [a, b] = [left, right].map((value) => (isKnown(value) ? value.known : undefined));
  if (operator === '&&' && (a === false || b === false)) return { known: false };
  if (operator === '||' && (a === true || b === true)) return { known: true };
  if (a === undefined || b === undefined) return undefined;
  if (knownAs(left, 'duration') && knownAs(right, 'duration')) {
    const ms = arithmetic(knownDuration(left) ?? 0, operator, knownDuration(right) ?? 0);
    return typeof ms === 'number' && /^[+-]$/.test(operator) ? { known: { kind: 'duration', ms } } : undefined;
  }
  const known = arithmetic(a, operator, b);
  return known === undefined ? undefined : { known };
}

function arithmetic(a: Known, operator: string, b: Known): Known | undefined {
  if (operator === '==' && (typeof a !== 'object' || a === null)) return a === b;
  if (operator === '!=' && (typeof a !== 'object' || a === null)) return a !== b;
  if (typeof a === 'boolean' && typeof b === 'boolean')
    return operator === '&&' ? a && b : operator === '||' ? a || b : undefined;
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  return typeof a === 'number' && typeof b === 'number' ? ofNumbers[operator]?.(a, b) : undefined;
}

const ofNumbers = byName<(a: number, b: number) => Known | undefined>({
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '<<': (a, b) => a * 2 ** b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
});

const spans = byName({
  Days: 86_400_000,
  Hours: 3_600_000,
  Minutes: 60_000,
  Seconds: 1_000,
  Milliseconds: 1,
  Ticks: 1e-4,
});

const span = (ms: number): Known => ({ kind: 'duration', ms });
const start: Known = { kind: 'fromNow', ms: 0 };
const dates = byName<Known>({
  Now: start,
  UtcNow: start,
  Today: start,
  MinValue: { kind: 'instant', at: Date.UTC(1, 0, 1) },
  MaxValue: { kind: 'instant', at: Date.UTC(9999, 11, 31) },
});
/** What .NET itself has, by type and name. */
const constants = byName<Readonly<Record<string, Known>>>({
  TimeSpan: byName({ MaxValue: span(Infinity), MinValue: span(-Infinity), Zero: span(0) }),
  Timeout: byName({ InfiniteTimeSpan: span(-1) }),
  DateTimeOffset: dates,
  DateTime: dates,
  string: byName<Known>({ Empty: '' }),
  int: byName<Known>({ MaxValue: 2 ** 31 - 1 }),
  long: byName<Known>({ MaxValue: 2 ** 63 }),
});

function member(node: Node, scope: Scope): Found {
  const path = memberPath(node) ?? ['', simpleName(node)];
  const [of = '', name = ''] = path.slice(-2);
  const known = constants[of]?.[name];
  if (known !== undefined) return { known };
  const section = name === 'Value' ? sectionKey(field(node, 'expression') ?? node, scope) : undefined;
  if (section) return scope.settings.value(section, placeOf(node, scope));
  if (name === 'EnvironmentName') return { known: 'Production' };
  if (of === 'Environments') return { known: name };
  // A constant of a class, or a method as a value; never what another object may hold.
  return path.length === 2 && /^(this|[A-Z]\w*)$/.test(of) ? scope.lookup(name) : undefined;
}

function created(node: Node, scope: Scope): Found {
  const type = simpleName(field(node, 'type'));
  const args = argumentsOf(node).map(({ value }) => evaluate(value, scope));
  const ms = type === 'TimeSpan' ? spanOf(args.map(knownNumber)) : undefined;
  if (ms !== undefined) return { known: span(ms) };
  if (type === 'DateTimeOffset' || type === 'DateTime') return dateOf(args);
  const initializer = namedChildren(node).find(({ type: kind }) => kind === 'initializer_expression');
  const pairs = (initializer ? namedChildren(initializer) : []).flatMap((each): [string, Value][] => {
    const [left, right] = [field(each, 'left'), field(each, 'right')];
    return each.type === 'assignment_expression' && left && right ? [[left.text, evaluate(right, scope)]] : [];
  });
  if (initializer && pairs.length === 0 && /^(List|HashSet)$/.test(type)) return evaluate(initializer, scope);
  return { known: { kind: 'object', type, properties: new Map(pairs), args } };
}

/** `new TimeSpan(…)`: ticks; hours, minutes, seconds; days and those; and milliseconds. */
function spanOf(args: (number | undefined)[]): number | undefined {
  const numbers = args.filter((each) => each !== undefined);
  if (numbers.length < args.length) return undefined;
  if (numbers.length === 1) return (numbers[0] ?? 0) / 10_000;
  const [days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0] = numbers.length === 3 ? [0, ...numbers] : numbers;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

function dateOf(args: Value[]): Found {
  const [first] = args;
  if (isKnown(first) && first.known !== null && typeof first.known === 'object') return { known: first.known };
  const [year, month, day, hour = 0, minute = 0, second = 0] = args.flatMap((each) => knownNumber(each) ?? []);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  return { known: { kind: 'instant', at: Date.UTC(year, month - 1, day, hour, minute, second) } };
}

const ofEnvironment = byName({ IsDevelopment: false, IsStaging: false, IsProduction: true });

function call(node: Node, scope: Scope): Found {
  const name = simpleName(field(node, 'function'));
  const receiver = receiverOf(node);
  const args = argumentsOf(node).map(({ value }) => evaluate(value, scope));
  const [first] = args;
  const text = knownText(first);
  const known = ofEnvironment[name];
  if (known !== undefined) return { known };
  if (name === 'IsEnvironment') return text === undefined ? undefined : { known: /^production$/i.test(text) };
  if (name === 'Equals' && receiver && first) {
    const other = knownText(evaluate(receiver, scope));
    return other === undefined || text === undefined
      ? undefined
      : { known: other.toLowerCase() === text.toLowerCase() };
  }
  if (name === 'GetEnvironmentVariable') return { unknown: 'outside' };
  if (name === 'nameof') return { known: simpleName(argumentsOf(node)[0]?.value) };
  if (!receiver) return undefined;
  if (receiver.text === 'TimeSpan') return timeSpan(name, args);
  const unit = name.startsWith('Add') ? spans[name.slice('Add'.length)] : undefined;
  if (unit !== undefined) return later(evaluate(receiver, scope), (knownNumber(first) ?? Number.NaN) * unit);
  if (/^Parse(Exact)?$/.test(name) && /^Date/.test(receiver.text)) {
    const at = Date.parse(text ?? '');
    return Number.isNaN(at) ? undefined : { known: { kind: 'instant', at } };
  }
  if (name === 'Split') return split(evaluate(receiver, scope));
  if (/^(ToArray|ToList|AsEnumerable|Trim)$/.test(name)) return evaluate(receiver, scope);
  return configured(name, receiver, text, node, scope);
}

function timeSpan(name: string, args: Value[]): Found {
  const [first] = args;
  const unit = spans[name.replace(/^From/, '')];
  const ms =
    name === 'Parse' ? durationOfText(knownText(first) ?? '') : unit && (knownNumber(first) ?? Number.NaN) * unit;
  // `FromHours(1, minutes: 30)` and the like
  return ms === undefined || Number.isNaN(ms) || args.length > 1 ? undefined : { known: span(ms) };
}

function later(value: Value, ms: number): Found {
  const [now, instant] = [knownAs(value, 'fromNow'), knownAs(value, 'instant')];
  if (Number.isNaN(ms)) return undefined;
  if (now) return { known: { kind: 'fromNow', ms: now.ms + ms } };
  return instant && { known: { kind: 'instant', at: instant.at + ms } };
}

function split(value: Value): Found {
  const text = knownText(value);
  if (text === undefined) return isKnown(value) ? undefined : value;
  const items = text.split(/[\s,;]+/).filter((item) => item !== '');
  return { known: { kind: 'list', items: items.map((known) => ({ known, place: value.place })) } };
}

const joined = (prefix: string, key: string) => (prefix === '' ? key : `${prefix}:${key}`);

/** What the configuration, or a section of it, has under a key. */
function setting(of: Node | undefined, key: string | undefined, node: Node, scope: Scope): Found {
  const prefix = of && key !== undefined ? sectionKey(of, scope) : undefined;
  return prefix === undefined ? undefined : scope.settings.value(joined(prefix, key ?? ''), placeOf(node, scope));
}

/** What is read from the configuration: `GetValue<T>("A:B")`, `GetConnectionString("Redis")`, `GetSection("A")`. */
function configured(name: string, receiver: Node, key: string | undefined, node: Node, scope: Scope): Found {
  const section = sectionKey(name === 'Get' ? receiver : node, scope);
  if (name === 'Get') return section ? scope.settings.value(section, placeOf(node, scope)) : undefined;
  if (section !== undefined) return { known: { kind: 'section', key: section } };
  if (name === 'GetValue') return setting(receiver, key, node, scope);
  const isRead = name === 'GetConnectionString' && key !== undefined && sectionKey(receiver, scope) !== undefined;
  return isRead ? scope.settings.value(`ConnectionStrings:${key}`, placeOf(node, scope)) : undefined;
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
  const section = node.type === 'identifier' ? knownAs(scope.names.get(node.text), 'section') : undefined;
  return section?.key ?? (/config/i.test(memberPath(node)?.at(-1) ?? '') ? '' : undefined);
}
