import type { Node } from 'web-tree-sitter';
import type { AppSettings } from '../appSettings.ts';
import { evaluate, type Scope } from './evaluate.ts';
import {
  argumentsOf,
  descendants,
  field,
  memberPath,
  type Parameter,
  parametersOf,
  receiverOf,
  simpleName,
} from './syntax.ts';
import type { Value } from './value.ts';

export interface ParsedFile {
  path: string;
  root: Node;
}

export interface Method {
  node: Node;
  file: string;
  name: string;
  type: string;
  parameters: Parameter[];
}

/** Types through which a method registers or configures something. */
const configuring =
  /^(IServiceCollection|ServiceCollection|I?HostApplicationBuilder|WebApplicationBuilder|IHostBuilder|IWebHostBuilder|\w*AuthenticationBuilder|IDataProtectionBuilder)$/;

/** The methods and constants of an app, by their simple names. */
export class CodeIndex {
  readonly methods: Method[] = [];
  readonly settings: AppSettings;
  readonly #constants = new Map<string, { node: Node; file: string }[]>();
  readonly #open = new Set<string>();

  constructor(files: readonly ParsedFile[], settings: AppSettings) {
    this.settings = settings;
    for (const { path, root } of files) for (const node of descendants(root)) this.#add(node, path);
  }

  #add(node: Node, file: string): void {
    if (node.type === 'method_declaration' || node.type === 'local_function_statement')
      this.methods.push({
        node,
        file,
        name: field(node, 'name')?.text ?? '',
        type: typeOf(node),
        parameters: [...extendedBy(node), ...parametersOf(node)],
      });
    if (node.type === 'field_declaration' && /\b(const|readonly)\b/.test(node.text)) {
      for (const each of descendants(node))
        if (each.type === 'variable_declarator') this.#constant(each, initializerOf(each), file);
    }
    // A field that its class gives a value once, mostly in the constructor.
    if (node.type === 'assignment_expression' && isField(node)) this.#assigned(node, file);
    if (node.type === 'property_declaration') this.#constant(node, field(node, 'value'), file);
  }

  #assigned(node: Node, file: string): void {
    const [left, right] = [field(node, 'left'), field(node, 'right')];
    const name = left && memberPath(left)?.at(-1);
    if (name !== undefined && right)
      this.#constants.set(name, [...(this.#constants.get(name) ?? []), { node: right, file }]);
  }

  #constant(named: Node, value: Node | undefined, file: string): void {
    const name = field(named, 'name')?.text;
    if (name === undefined || !value || /^(string\.Empty|""|null!?)$/i.test(value.text)) return;
    const node = value.type === 'arrow_expression_clause' ? value.namedChildren[0] : value;
    if (node) this.#constants.set(name, [...(this.#constants.get(name) ?? []), { node, file }]);
  }

  scope(file: string, names: ReadonlyMap<string, Value> = new Map()): Scope {
    return { file, names, settings: this.settings, lookup: (name) => this.#lookup(name) };
  }

  /** Undefined where there is none of the name, or several that differ. A constant that needs itself is none. */
  #lookup(name: string): Value | undefined {
    const [constant, ...others] = this.#constants.get(name) ?? [];
    if (constant && others.every(({ node }) => node.text === constant.node.text) && !this.#open.has(name)) {
      this.#open.add(name);
      try {
        return evaluate(constant.node, this.scope(constant.file));
      } finally {
        this.#open.delete(name);
      }
    }
    const [method, ...overloads] = this.methods.filter((each) => each.name === name);
    if (!method || overloads.length > 0 || constant) return undefined;
    const place = { file: method.file, line: method.node.startPosition.row + 1 };
    return { known: { kind: 'function', node: method.node, file: method.file }, place };
  }

  /** The app's own method that a call names; undefined where it is not in the source. */
  methodOf(call: Node): Method | undefined {
    const name = simpleName(field(call, 'function'));
    const receiver = receiverOf(call);
    const count = argumentsOf(call).length;
    const named = this.methods.filter((method) => method.name === name && this.#fits(method, receiver));
    const byCount = named.find(
      ({ parameters }) => parameters.length === count + (receiver && parameters[0]?.extension ? 1 : 0),
    );
    return byCount ?? named[0];
  }

  #fits({ type, parameters }: Method, receiver: Node | undefined): boolean {
    if (!receiver || receiver.text === 'this' || receiver.text === 'base' || simpleName(receiver) === type) return true;
    return parameters.some(({ extension, type: each }) => extension || configuring.test(each));
  }

  /** Whether a method that nobody calls by its name may be called by the framework: it is given the services, and is not an extension. */
  static isEntryPoint({ name, parameters }: Method): boolean {
    if (name === 'Main') return true;
    return parameters.some(({ type }) => configuring.test(type)) && !parameters.some(({ extension }) => extension);
  }
}

/** `_scope = …` or `this.Scope = …`, as fields are named. */
function isField(assignment: Node): boolean {
  const [root, name, ...more] = memberPath(field(assignment, 'left') ?? assignment) ?? [];
  return more.length === 0 && (root === 'this' ? name !== undefined : name === undefined && /^_\w/.test(root ?? ''));
}

export function initializerOf(declarator: Node): Node | undefined {
  const last = declarator.namedChildren.at(-1) ?? undefined;
  return last && last.id !== field(declarator, 'name')?.id ? last : undefined;
}

/** What a member of an `extension(…)` block of C# 14 extends; the grammar takes the block for a constructor. */
function extendedBy(node: Node): Parameter[] {
  const block = node.parent?.parent;
  if (block?.type !== 'constructor_declaration' || field(block, 'name')?.text !== 'extension') return [];
  return parametersOf(block).map((parameter) => ({ ...parameter, extension: true }));
}

function typeOf(node: Node): string {
  for (let parent = node.parent; parent; parent = parent.parent)
    if (/^(class|struct|record|interface)_declaration$/.test(parent.type)) return field(parent, 'name')?.text ?? '';
  return '';
}
