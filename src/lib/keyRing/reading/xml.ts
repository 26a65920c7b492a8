import { parseXml, XmlDocumentType, XmlElement, XmlText } from '@rgrove/parse-xml';
import { Secret } from '../../secret.ts';

/** Namespaces in scope, by prefix; the default one by the empty prefix. */
export type Scope = ReadonlyMap<string, string>;
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';
const noScope: Scope = new Map([
  ['', ''],
  ['xml', xmlNamespace],
  ['xmlns', xmlnsNamespace],
]);

/** XML that may hold key material: for stores, protectors and the parser alone. */
export class SealedXml extends Secret {
  /** What its surroundings declare. */
  readonly scope: Scope;

  constructor(text: string, scope: Scope = noScope) {
    super(text);
    this.scope = scope;
  }
}

/** What is wrong with a piece of XML. Its message never quotes the text, which may hold key material. */
export class XmlFormError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlFormError';
  }
}

/** What .NET could read, and this tool does not: what apps make of it is not known. */
export class XmlUnjudged extends XmlFormError {}

/**
 * An element with its place in the text that it was read from, so that the text can be kept and changed byte for byte.
 * Positions count UTF-16 units of that text.
 */
export class PlacedElement {
  /** Without a prefix. */
  readonly name: string;
  /** As it stands in the tag. */
  readonly qualifiedName: string;
  /** Empty for none. */
  readonly namespace: string;
  readonly scope: Scope;
  readonly start: number;
  readonly end: number;
  readonly #element: XmlElement;
  #children: readonly PlacedElement[] | undefined;

  /** @throws XmlFormError where names do not resolve */
  constructor(element: XmlElement, outer: Scope, textLength = Number.POSITIVE_INFINITY) {
    this.scope = scopeOf(element, outer);
    const { namespace, name } = resolve(element.name, this.scope, this.scope.get('') ?? '');
    this.name = name;
    this.namespace = namespace;
    this.qualifiedName = element.name;
    this.start = element.start;
    // The parser says Infinity for the end of a text that has characters of two units.
    this.end = Math.min(element.end, textLength);
    this.#element = element;
  }

  /** Those without a namespace. */
  get attributes(): Readonly<Record<string, string>> {
    return this.#element.attributes;
  }

  /** Child elements, in order. */
  get children(): readonly PlacedElement[] {
    this.#children ??= this.#element.children.flatMap((node) =>
      node instanceof XmlElement ? [new PlacedElement(node, this.scope)] : [],
    );
    return this.#children;
  }

  /** All text in it, that of its descendants too: what .NET calls its value. */
  get text(): string {
    return this.#element.text;
  }

  /** Where its text stands, where it holds that alone. */
  get textPlace(): { start: number; end: number } | undefined {
    const [first, ...others] = this.#element.children;
    return first instanceof XmlText && others.length === 0 ? { start: first.start, end: first.end } : undefined;
  }
}

/**
 * The root element of a document, with namespaces resolved as .NET's XmlReader does.
 * @param doctype `refused` by the blob's reader, where the others take one (GHSA-37gx-xxp4-5rgx)
 * @throws XmlFormError where .NET would throw; its `XmlUnjudged` where that is not known
 */
export function parseDocument(
  text: string,
  { doctype = 'refused' as 'refused' | 'read', scope = noScope } = {},
): PlacedElement {
  if (text.startsWith('\ufeff')) throw new XmlFormError('begins with a byte order mark');
  if (/^<\?xml\s+version\s*=\s*["'](?!1\.0["'])/.test(text))
    throw new XmlFormError('is of another XML version than 1.0');
  const root = parse(text, doctype);
  if (!root) throw new XmlFormError('has no root element');
  refuseUnresolved(root, scope);
  return new PlacedElement(root, scope, text.length);
}

/** The root of a document and its child elements, without what is in them. */
export interface Parts {
  root: Pick<PlacedElement, 'qualifiedName' | 'name' | 'namespace' | 'scope' | 'start' | 'end'>;
  children: readonly Pick<PlacedElement, 'scope' | 'start' | 'end'>[];
}

/**
 * As `parseDocument` reads it. A document of more than `wholeUpTo` characters is read child by child: the tree of a ring of
 * 5,000 keys alone takes 50 MB.
 */
export function parseParts(text: string, wholeUpTo = 100_000): Parts {
  if (text.length > wholeUpTo && !text.includes('<!DOCTYPE')) {
    try {
      return partsOneByOne(text);
    } catch (error) {
      // What is wrong, and where, the whole of it says.
      if (!(error instanceof XmlFormError)) throw error;
    }
  }
  const root = parseDocument(text);
  return { root, children: root.children };
}

/** A comment, a CDATA section, an instruction, or a tag: whatever may hold a `<` or `>` is passed as one. */
const markup = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(?:[^>"']|"[^"]*"|'[^']*')*>/y;
const standIn = '<_/>';

/** Each child by itself, and the document with an empty element for each: both are well-formed just where the whole is. */
function partsOneByOne(text: string): Parts {
  const places: { start: number; end: number }[] = [];
  let depth = 0;
  let outer = 0;
  for (let start = text.indexOf('<'); start >= 0; start = text.indexOf('<', markup.lastIndex)) {
    markup.lastIndex = start;
    if (!markup.test(text)) throw new XmlFormError('is not well-formed XML');
    if (text[start + 1] === '!' || text[start + 1] === '?') continue;
    const end = markup.lastIndex;
    const isEnd = text[start + 1] === '/';
    const isWhole = text[end - 2] === '/';
    if (depth === 1 && !isEnd) outer = start;
    if (!isWhole) depth += isEnd ? -1 : 1;
    if (depth === 1 && (isEnd || isWhole)) places.push({ start: outer, end });
  }
  const root = parseDocument(
    splice(
      text,
      places.map((place) => ({ ...place, text: standIn })),
    ),
  );
  if (root.children.length !== places.length) throw new XmlFormError('is not well-formed XML');
  const cut = places.reduce((sum, place) => sum + place.end - place.start - standIn.length, 0);
  const { qualifiedName, name, namespace, scope } = root;
  return {
    root: { qualifiedName, name, namespace, scope, start: root.start, end: root.end + cut },
    children: places.map((place) => {
      const child = parseDocument(text.slice(place.start, place.end), { scope });
      return { ...place, scope: child.scope };
    }),
  };
}

/** An element of a ring, or a part of one, with what its surroundings declare. */
export function parseSealed(xml: SealedXml): PlacedElement {
  return parseDocument(xml.reveal(), { doctype: 'read', scope: xml.scope });
}

/** A part of a text, as an element of its own. */
export function sealedPart(text: string, element: Pick<PlacedElement, 'scope' | 'start' | 'end'>): SealedXml {
  return new SealedXml(text.slice(element.start, element.end), element.scope);
}

function parse(text: string, doctype: 'refused' | 'read'): XmlElement | undefined {
  let entities: ReadonlyMap<string, string> | undefined;
  const entity = (reference: string) => {
    entities ??= text.includes('<!DOCTYPE') ? entitiesOf(text) : new Map();
    return entities.get(reference.slice(1, -1));
  };
  try {
    const { children } = parseXml(text, {
      includeOffsets: true,
      preserveDocumentType: true,
      resolveUndefinedEntity: doctype === 'read' ? entity : () => undefined,
    });
    const type = children.find((node) => node instanceof XmlDocumentType);
    if (type && doctype === 'refused') throw new XmlFormError('has a document type (DOCTYPE), which is not read');
    if (type) entitiesOf(text);
    return children.find((node) => node instanceof XmlElement);
  } catch (error) {
    if (error instanceof XmlFormError) throw error;
    // The parser's message has an excerpt of the text.
    const { line, column } = error as { line?: number; column?: number };
    throw new XmlFormError(`is not well-formed XML (line ${line ?? '?'}, column ${column ?? '?'})`);
  }
}

/** The texts that a document type of plain entities declares. One that does more is not judged. */
function entitiesOf(text: string): ReadonlyMap<string, string> {
  const subset = /<!DOCTYPE[^[>]*(?:\[([\s\S]*?)\]\s*)?>/.exec(text)?.[1] ?? '';
  const entities = new Map<string, string>();
  const rest = subset
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/<!ELEMENT\s+[^>]*>/g, '')
    .replaceAll(/<!ENTITY\s+([\w.-]+)\s+(?:"([^"%&<]*)"|'([^'%&<]*)')\s*>/g, (_, name, double, single) => {
      if (!entities.has(name)) entities.set(name, double ?? single);
      return '';
    });
  if (rest.trim()) throw new XmlUnjudged('has a document type with declarations that this tool does not read');
  return entities;
}

/** Child elements of one name, in no namespace unless one is given. */
export function childrenNamed(parent: PlacedElement, name: string, namespace = ''): PlacedElement[] {
  return parent.children.filter((child) => child.name === name && child.namespace === namespace);
}

export function childNamed(parent: PlacedElement, name: string, namespace = ''): PlacedElement | undefined {
  return parent.children.find((child) => child.name === name && child.namespace === namespace);
}

/** All elements under `parent` that have the name, at any depth, in the order of the document. */
export function findElements(parent: PlacedElement, name: string, namespace = ''): PlacedElement[] {
  return parent.children.flatMap((child) => [
    ...(child.name === name && child.namespace === namespace ? [child] : []),
    ...findElements(child, name, namespace),
  ]);
}

/** Where the text between an element's tags stands. @throws XmlFormError where the element holds other elements, or nothing */
export function textPlace({ name, text, textPlace: place }: PlacedElement): {
  text: string;
  start: number;
  end: number;
} {
  if (!place) throw new XmlFormError(`has a ${name} without text`);
  return { text, ...place };
}

/** `text` with each of the places replaced. */
export function splice(text: string, changes: readonly { start: number; end: number; text: string }[]): string {
  const inOrder = [...changes].sort((a, b) => a.start - b.start);
  const parts: string[] = [];
  let at = 0;
  for (const change of inOrder) {
    parts.push(text.slice(at, change.start), change.text);
    at = change.end;
  }
  return [...parts, text.slice(at)].join('');
}

/** Text for an element or attribute, in ASCII, so that it stands in a document of any encoding. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[\t\n\r]|[^\x20-\x7e]/gu, (char) => `&#x${char.codePointAt(0)?.toString(16)};`);
}

/** Whether XML 1.0 can hold the text (production 2, Char); a lone surrogate it cannot. */
export function isXmlText(text: string): boolean {
  return /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u.test(text);
}

/** Every name in the document: .NET reads none of it where one does not resolve. */
function refuseUnresolved(element: XmlElement, outer: Scope): void {
  const scope = scopeOf(element, outer);
  if (element.name.includes(':')) resolve(element.name, scope, '');
  const seen = new Set<string>();
  for (const qualified of Object.keys(element.attributes)) {
    if (!qualified.includes(':') || qualified.startsWith('xmlns:')) continue;
    const { namespace, name } = resolve(qualified, scope, '');
    if (seen.has(`${namespace} ${name}`)) throw new XmlFormError('has an attribute twice');
    seen.add(`${namespace} ${name}`);
  }
  for (const child of element.children) if (child instanceof XmlElement) refuseUnresolved(child, scope);
}

function scopeOf({ attributes }: XmlElement, outer: Scope): Scope {
  let scope: Map<string, string> | undefined;
  for (const name in attributes) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    const value = attributes[name] ?? '';
    const prefix = name === 'xmlns' ? '' : name.slice('xmlns:'.length);
    const isReserved =
      prefix === 'xmlns' || value === xmlnsNamespace || (prefix === 'xml') !== (value === xmlNamespace);
    if (isReserved || prefix.includes(':') || (name !== 'xmlns' && (prefix === '' || value === '')))
      throw new XmlFormError('declares a namespace in a form that XML does not allow');
    scope ??= new Map(outer);
    scope.set(prefix, value);
  }
  return scope ?? outer;
}

function resolve(qualified: string, scope: Scope, unprefixed: string): { name: string; namespace: string } {
  if (!qualified.includes(':')) return { name: qualified, namespace: unprefixed };
  const [first = '', second = '', ...more] = qualified.split(':');
  const namespace = scope.get(first);
  if (first === '' || second === '' || more.length > 0 || namespace === undefined || first === 'xmlns')
    throw new XmlFormError('uses a prefix that it does not declare');
  return { name: second, namespace };
}
