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
export interface PlacedElement {
  /** Without a prefix. */
  readonly name: string;
  /** As it stands in the tag. */
  readonly qualifiedName: string;
  /** Empty for none. */
  readonly namespace: string;
  /** Those without a namespace. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Child elements, in order. */
  readonly children: readonly PlacedElement[];
  /** All text in it, that of its descendants too: what .NET calls its value. */
  readonly text: string;
  readonly scope: Scope;
  readonly start: number;
  readonly end: number;
  /** Where its text stands, where it holds that alone. */
  readonly textPlace: { start: number; end: number } | undefined;
}

/**
 * The root element of a document, with namespaces resolved as .NET's XmlReader does.
 * @param doctype `refused` by the blob's reader, where the others take one (GHSA-37gx-xxp4-5rgx)
 * @throws XmlFormError where .NET would throw; its `XmlUnjudged` where that is not known
 */
export function parseDocument(text: string, { doctype = 'refused' as 'refused' | 'read', scope = noScope } = {}) {
  if (text.startsWith('\ufeff')) throw new XmlFormError('begins with a byte order mark');
  if (/^<\?xml\s+version\s*=\s*["'](?!1\.0["'])/.test(text))
    throw new XmlFormError('is of another XML version than 1.0');
  const root = parse(text, doctype);
  if (!root) throw new XmlFormError('has no root element');
  return placed(root, scope);
}

/** An element of a ring, or a part of one, with what its surroundings declare. */
export function parseSealed(xml: SealedXml): PlacedElement {
  return parseDocument(xml.reveal(), { doctype: 'read', scope: xml.scope });
}

/** A part of a text, as an element of its own. */
export function sealedPart(text: string, element: PlacedElement): SealedXml {
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

function placed(element: XmlElement, outer: Scope): PlacedElement {
  const entries = Object.entries(element.attributes);
  const scope = entries.some(([name]) => name.startsWith('xmlns')) ? scopeOf(entries, outer) : outer;
  const { namespace, name } = resolve(element.name, scope, scope.get('') ?? '');
  const attributes: Record<string, string> = {};
  const seen = new Set<string>();
  for (const [qualified, value] of entries) {
    if (qualified === 'xmlns' || qualified.startsWith('xmlns:')) continue;
    const attribute = resolve(qualified, scope, '');
    const full = `${attribute.namespace} ${attribute.name}`;
    if (seen.has(full)) throw new XmlFormError('has an attribute twice');
    seen.add(full);
    if (attribute.namespace === '') attributes[attribute.name] = value;
  }
  const { children } = element;
  const [first] = children;
  return {
    name,
    qualifiedName: element.name,
    namespace,
    attributes,
    children: children.flatMap((node) => (node instanceof XmlElement ? [placed(node, scope)] : [])),
    text: element.text,
    scope,
    start: element.start,
    end: element.end,
    textPlace: first instanceof XmlText && children.length === 1 ? { start: first.start, end: first.end } : undefined,
  };
}

function scopeOf(attributes: [string, string][], outer: Scope): Scope {
  const scope = new Map(outer);
  for (const [name, value] of attributes) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    const prefix = name === 'xmlns' ? '' : name.slice('xmlns:'.length);
    const isReserved =
      prefix === 'xmlns' || value === xmlnsNamespace || (prefix === 'xml') !== (value === xmlNamespace);
    if (isReserved || prefix.includes(':') || (name !== 'xmlns' && (prefix === '' || value === '')))
      throw new XmlFormError('declares a namespace in a form that XML does not allow');
    scope.set(prefix, value);
  }
  return scope;
}

function resolve(qualified: string, scope: Scope, unprefixed: string): { name: string; namespace: string } {
  const [first = '', second, ...more] = qualified.split(':');
  if (second === undefined) return { name: first, namespace: unprefixed };
  const namespace = scope.get(first);
  if (first === '' || second === '' || more.length > 0 || namespace === undefined || first === 'xmlns')
    throw new XmlFormError('uses a prefix that it does not declare');
  return { name: second, namespace };
}
