import type { Node } from 'web-tree-sitter';
import type { Call, Fact, Guard, OptionSet, Unresolved } from '../facts.ts';
import { evaluate, placeOf, sectionKey } from './evaluate.ts';
import { CodeIndex, initializerOf, type Method, type ParsedFile } from './index.ts';
import { isOwnExtension, libraryCalls, optionsOfCalls, readOptions } from './known.ts';
import {
  type Argument,
  argumentsIn,
  argumentsOf,
  bodyOf,
  field,
  isLambda,
  memberPath,
  namedChildren,
  parametersOf,
  receiverOf,
  simpleName,
  typeArgument,
} from './syntax.ts';
import { isKnown, knownAs, knownText, type Value } from './value.ts';

/** Where the reader is: in which file, what names stand for, under which conditions. */
interface Frame {
  file: string;
  names: Map<string, Value>;
  /** Variables that hold options, and their types. */
  options: Map<string, string>;
  guards: readonly Guard[];
}

/** Methods within methods: an app has few, and one that calls itself has no end. */
const depthLimit = 20;

/**
 * Follows the app's start as it runs in production: statement by statement, into the app's own methods, on both sides of a condition
 * that only a run knows.
 */
export class Flow {
  readonly calls: Call[] = [];
  readonly options: OptionSet[] = [];
  readonly unresolved: Unresolved[] = [];
  readonly #index: CodeIndex;
  readonly #stack: Method[] = [];
  readonly #visited = new Set<number>();
  #entryPoint = 0;

  constructor(files: readonly ParsedFile[], index: CodeIndex) {
    this.#index = index;
    for (const { path, root } of files) this.#statements(namedChildren(root), newFrame(path));
    const entries = index.methods.filter(CodeIndex.isEntryPoint);
    for (const method of entries) this.#enter(method);
    for (const method of index.methods.filter(({ parameters }) => parameters.some(({ type }) => readOptions.has(type))))
      this.#enter(method);
    // A library, or one file of an app: whatever it has may be called.
    const started = this.calls.some(({ name }) =>
      /^(CreateBuilder|Create\w*Builder|UseStartup|GetDefaultInstance)$/.test(name),
    );
    if (!started) for (const method of index.methods) this.#enter(method);
  }

  #enter(method: Method): void {
    if (this.#visited.has(method.node.id)) return;
    this.#entryPoint += 1;
    this.#inMethod(method, newFrame(method.file));
  }

  #inMethod(method: Method, frame: Frame): void {
    if (this.#stack.includes(method) || this.#stack.length > depthLimit) return;
    this.#visited.add(method.node.id);
    this.#stack.push(method);
    for (const { name, type } of method.parameters) {
      if (readOptions.has(type)) frame.options.set(name, type);
      if (isConfiguration(type) && !isKnown(frame.names.get(name))) frame.names.set(name, configuration(method));
    }
    const body = bodyOf(method.node);
    if (body) this.#visit(body, frame);
    this.#stack.pop();
  }

  /** @returns whether nothing after these statements is reached */
  #statements(nodes: readonly Node[], frame: Frame): boolean {
    for (const node of nodes) if (this.#visit(node, frame)) return true;
    return false;
  }

  #visit(node: Node, frame: Frame): boolean {
    switch (node.type) {
      case 'method_declaration':
      case 'local_function_statement':
      case 'attribute_list':
      case 'using_directive':
        return false;
      case 'return_statement':
      case 'throw_statement':
        this.#statements(namedChildren(node), frame);
        return true;
      case 'lambda_expression':
      case 'anonymous_method_expression':
        this.#lambda(node, undefined, frame);
        return false;
      case 'if_statement':
      case 'conditional_expression':
      case 'preproc_if':
      case 'preproc_elif':
        return this.#branches(node, frame);
      case 'switch_section':
      case 'switch_expression_arm':
      case 'catch_clause':
        return this.#alternative(node, frame);
      case 'variable_declarator':
        this.#declare(node, frame);
        return false;
      case 'assignment_expression':
        this.#assign(node, frame);
        return false;
      case 'invocation_expression':
        this.#call(node, frame);
        return false;
      case 'block':
      case 'global_statement':
      case 'arrow_expression_clause':
      case 'expression_statement':
      case 'preproc_else':
        return this.#statements(namedChildren(node), frame);
      default:
        this.#statements(namedChildren(node), frame);
        return false;
    }
  }

  #branches(node: Node, frame: Frame): boolean {
    const condition = field(node, 'condition');
    const alternative = field(node, 'alternative');
    const consequence = node.type.startsWith('preproc')
      ? namedChildren(node).filter(({ id }) => id !== condition?.id && id !== alternative?.id)
      : [field(node, 'consequence')].filter((each) => each !== undefined);
    if (!condition) return false;
    const value = node.type.startsWith('preproc') ? symbol(condition) : this.#value(condition, frame);
    if (!node.type.startsWith('preproc')) this.#visit(condition, frame);
    if (isKnown(value) && typeof value.known === 'boolean') {
      if (value.known) return this.#statements(consequence, frame);
      return alternative ? this.#visit(alternative, frame) : false;
    }
    // A start that throws is none: the other side is the one that runs.
    if (consequence.some(endsByThrow)) return alternative ? this.#visit(alternative, frame) : false;
    if (alternative && endsByThrow(alternative)) return this.#statements(consequence, frame);
    const [id, negated] = identityOf(condition);
    const guard = (branch: number): Guard => ({
      id: `${frame.file} ${id}`,
      of: 2,
      branch: negated ? 1 - branch : branch,
      place: placeOf(condition, frame),
    });
    const first = guarded(frame, guard(0));
    const second = guarded(frame, guard(1));
    const ends = [this.#statements(consequence, first), alternative ? this.#visit(alternative, second) : false];
    forgetChanges(frame, [first, second]);
    // What follows is reached from the other side alone.
    if (ends[0] && !ends[1]) frame.guards = second.guards;
    if (ends[1] && !ends[0]) frame.guards = first.guards;
    return ends[0] === true && ends[1] === true;
  }

  /** One of several alternatives, of which a run takes one. */
  #alternative(node: Node, frame: Frame): boolean {
    if (endsByThrow(node)) return false;
    const siblings = node.parent
      ? namedChildren(node.parent).filter((each) => each.type === node.type && !endsByThrow(each))
      : [];
    const isCatch = node.type === 'catch_clause';
    // A `try` may catch nothing; a `switch` statement without `default` may take no section.
    const rest = isCatch || (node.type === 'switch_section' && !hasDefault(node.parent)) ? 1 : 0;
    const of = siblings.length + rest;
    const branch = siblings.findIndex(({ id }) => id === node.id);
    const id = `${frame.file} ${node.parent?.startIndex}`;
    const inner = of === 1 ? frame : guarded(frame, { id, branch, of, place: placeOf(node, frame) });
    this.#statements(namedChildren(node), inner);
    forgetChanges(frame, [inner]);
    return false;
  }

  #declare(node: Node, frame: Frame): void {
    const initializer = initializerOf(node);
    const name = field(node, 'name')?.text;
    if (!initializer || name === undefined) return;
    this.#visit(initializer, frame);
    const value = this.#value(initializer, frame);
    frame.names.set(name, value);
    const type =
      simpleName(field(initializer, 'type')) || simpleName(node.parent ? field(node.parent, 'type') : undefined);
    if (readOptions.has(type)) {
      frame.options.set(name, type);
      this.#properties(value, type, frame);
    }
  }

  #assign(node: Node, frame: Frame, left = field(node, 'left'), right = field(node, 'right')): void {
    if (!left || !right) return;
    if (left.type === 'tuple_expression') {
      const values = right.type === 'tuple_expression' ? argumentsIn(right) : [];
      for (const [index, { value }] of argumentsIn(left).entries())
        this.#assign(node, frame, value, values[index]?.value ?? right);
      return;
    }
    if (!isLambda(right)) this.#visit(right, frame);
    const [root, ...path] = memberPath(left) ?? [];
    const options = root === undefined ? undefined : frame.options.get(root);
    const value = this.#value(right, frame);
    if (options !== undefined && path.length > 0)
      this.options.push({ ...this.#fact(node, frame), options, path: path.join('.').toLowerCase(), value });
    else if (root !== undefined && path.length === 0) frame.names.set(root, value);
  }

  #properties(value: Value, options: string, frame: Frame): void {
    for (const [name, each] of knownAs(value, 'object')?.properties ?? [])
      this.options.push({ place: each.place, guards: frame.guards, options, path: name.toLowerCase(), value: each });
  }

  #call(node: Node, frame: Frame): void {
    const called = field(node, 'function');
    const receiver = receiverOf(node);
    if (called) this.#visit(called, frame);
    const name = simpleName(called);
    const args = argumentsOf(node);
    const values = args.map(({ name: named, value }) => ({ name: named, value: this.#value(value, frame) }));
    const method = libraryCalls.test(name) ? undefined : this.#index.methodOf(node);
    if (!method)
      this.calls.push({
        ...this.#fact(node, frame),
        name,
        of: typeArgument(called),
        args: values,
        entryPoint: this.#entryPoint,
      });
    if (!this.#binds(name, node, args, frame)) this.#pass(name, node, args, method, frame);
    if (method) this.#into(method, receiver, args, frame);
    else if (isOwnExtension(name) && /(services|builder|collection|auth(entication)?)$/i.test(rootName(node)))
      this.unresolved.push({ ...this.#fact(node, frame), name, options: undefined });
  }

  /** Arguments of a call: the lambdas that configure options, each with its options. */
  #pass(name: string, node: Node, args: readonly Argument[], method: Method | undefined, frame: Frame): void {
    const options = this.#optionsOf(name, node);
    let lambdas = 0;
    for (const { name: named, value } of args) {
      const known = this.#value(value, frame);
      const callback = knownAs(known, 'function');
      if (callback) {
        const target = named === 'memoryCacheOptions' ? options[1] : options[lambdas];
        lambdas += 1;
        if (isLambda(value)) this.#lambda(value, target, frame, typeArgument(field(node, 'function')));
        else if (target !== undefined) this.#lambda(callback.node, target, { ...frame, file: callback.file });
        continue;
      }
      this.#visit(value, frame);
      const type = value.type === 'object_creation_expression' ? simpleName(field(value, 'type')) : '';
      if (readOptions.has(type)) this.#properties(known, type, frame);
      const given = frame.options.get(value.text);
      if (given !== undefined && !method) this.unresolved.push({ ...this.#fact(node, frame), name, options: given });
      const section = knownAs(known, 'section');
      if (section && options[0] !== undefined) this.#section(section.key, options[0], node, frame);
      // What is called for its value, as `Configure<T>(MakeOptions())`, is not followed.
    }
  }

  #optionsOf(name: string, node: Node): readonly string[] {
    if (/^(Post)?Configure(All)?$/.test(name)) return [optionsBuilderOf(node) || typeArgument(field(node, 'function'))];
    if (/^Bind(Configuration)?$/.test(name)) return [optionsBuilderOf(node)].filter((each) => each !== '');
    return optionsOfCalls[name] ?? [];
  }

  /** `section.Bind(options)`, `configuration.Bind("Redis", options)`, `AddOptions<T>().BindConfiguration("Redis")`. */
  #binds(name: string, node: Node, args: readonly Argument[], frame: Frame): boolean {
    if (!/^Bind(Configuration)?$/.test(name)) return false;
    const scope = this.#index.scope(frame.file, frame.names);
    const options = args.flatMap(({ value }) => frame.options.get(value.text) ?? [])[0] ?? optionsBuilderOf(node);
    const receiver = receiverOf(node);
    const values = args.map(({ value }) => evaluate(value, scope));
    const [section] = values.flatMap((value) => knownAs(value, 'section')?.key ?? []);
    const [named] = values.flatMap((value) => knownText(value) ?? []);
    const key = section ?? named ?? (receiver && sectionKey(receiver, scope));
    if (!options) return false;
    if (key !== undefined) this.#section(key, options, node, frame);
    else this.unresolved.push({ ...this.#fact(node, frame), name, options });
    return true;
  }

  /** Options that a section of the configuration sets; where the files do not have it, something outside of them does. */
  #section(key: string, options: string, node: Node, frame: Frame): void {
    const values = this.#index.settings.below(key);
    if (values.length === 0) this.unresolved.push({ ...this.#fact(node, frame), name: `section ${key}`, options });
    for (const [path, value] of values)
      this.options.push({ place: value.place, guards: frame.guards, options, path, value });
  }

  /** @param service the type of the second parameter: `AddOptions<T>().Configure<IConfiguration>((options, configuration) => …)` */
  #lambda(node: Node, options: string | undefined, frame: Frame, service = ''): void {
    const inner = { ...frame, names: new Map(frame.names), options: new Map(frame.options) };
    const parameters = parametersOf(node);
    for (const { name } of parameters) {
      inner.names.delete(name);
      inner.options.delete(name);
    }
    for (const [index, { name, type }] of parameters.entries())
      if (isConfiguration(type || (index === 1 ? service : '')))
        inner.names.set(name, configuration({ node, file: frame.file }));
    const typed = parameters.find(({ type }) => readOptions.has(type));
    const [first] = parameters;
    if (typed) inner.options.set(typed.name, typed.type);
    else if (first && options !== undefined) inner.options.set(first.name, options);
    const body = bodyOf(node);
    if (body) this.#visit(body, inner);
  }

  /** Into a method of the app, with what it is given. */
  #into(method: Method, receiver: Node | undefined, args: readonly Argument[], frame: Frame): void {
    const inner = { ...newFrame(method.file), guards: frame.guards };
    const extended = receiver !== undefined && method.parameters[0]?.extension === true;
    const given = [...(extended && receiver ? [{ name: undefined, value: receiver }] : []), ...args];
    for (const [index, { name, value }] of given.entries()) {
      const parameter =
        name === undefined ? method.parameters[index] : method.parameters.find((each) => each.name === name);
      if (!parameter) continue;
      inner.names.set(parameter.name, this.#value(value, frame));
      const options = frame.options.get(value.text);
      if (options !== undefined) inner.options.set(parameter.name, options);
    }
    this.#inMethod(method, inner);
  }

  #value(node: Node, frame: Frame): Value {
    return evaluate(node, this.#index.scope(frame.file, frame.names));
  }

  #fact(node: Node, frame: Frame): Fact {
    // In a chain over several lines, the line of the name.
    const named = field(node, 'function');
    const at = named?.type === 'member_access_expression' ? (field(named, 'name') ?? node) : node;
    return { place: placeOf(at, frame), guards: frame.guards };
  }
}

const newFrame = (file: string): Frame => ({ file, names: new Map(), options: new Map(), guards: [] });

const guarded = (frame: Frame, guard: Guard): Frame => ({
  ...frame,
  names: new Map(frame.names),
  options: new Map(frame.options),
  guards: [...frame.guards, guard],
});

/** Whatever gives the whole configuration of the app; a section may be any. */
const isConfiguration = (type: string) => /^(IConfiguration(Root|Manager)?|ConfigurationManager)$/.test(type);

const configuration = ({ node, file }: { node: Node; file: string }): Value => ({
  known: { kind: 'section', key: '' },
  place: placeOf(node, { file }),
});

function hasDefault(body: Node | null): boolean {
  return body !== null && namedChildren(body).some(({ text }) => /^default\s*:/.test(text));
}

function endsByThrow(node: Node): boolean {
  if (/^throw_(statement|expression)$/.test(node.type)) return true;
  if (!/^(block|else_clause|preproc_else|switch_section|switch_expression_arm|catch_clause)$/.test(node.type))
    return false;
  const last = namedChildren(node).at(-1);
  return last !== undefined && endsByThrow(last);
}

/** What a name stands for after a condition is known only where neither side has changed it. */
function forgetChanges(frame: Frame, sides: readonly Frame[]): void {
  for (const [name, value] of frame.names)
    if (sides.some(({ names }) => names.get(name) !== value))
      frame.names.set(name, { unknown: 'runTime', place: value.place });
}

/** `#if DEBUG` is not production. */
function symbol(condition: Node): Value {
  const place = { file: '', line: 0 };
  const text = condition.text.replaceAll(/\s/g, '');
  if (text === 'DEBUG') return { known: false, place };
  return text === '!DEBUG' || text === 'RELEASE' ? { known: true, place } : { unknown: 'runTime', place };
}

/** A condition's text, so that the same one elsewhere is known again, and whether it is negated. */
function identityOf(condition: Node): [string, boolean] {
  const text = condition.text.replaceAll(/\s+/g, ' ');
  return text.startsWith('!') && condition.type === 'prefix_unary_expression' ? [text.slice(1), true] : [text, false];
}

/** `T` of `services.AddOptions<T>().Configure(…)`, through the calls between. */
function optionsBuilderOf(call: Node): string {
  for (let node = receiverOf(call); node?.type === 'invocation_expression'; node = receiverOf(node))
    if (/^AddOptions/.test(simpleName(field(node, 'function')))) return typeArgument(field(node, 'function'));
  return '';
}

/** What a chain of calls begins with: `services` of `builder.Services.AddX().AddY()`. */
function rootName(call: Node): string {
  const receiver = receiverOf(call);
  if (!receiver) return argumentsOf(call)[0]?.value.text ?? '';
  if (receiver.type === 'invocation_expression') return rootName(receiver);
  return memberPath(receiver)?.at(-1) ?? '';
}
