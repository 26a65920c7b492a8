import { parseXml, XmlDocumentType, XmlElement } from '@rgrove/parse-xml';
import { Secret } from '../../secret.ts';

/** XML that may hold key material: for stores, protectors and the parser alone. */
export class SealedXml extends Secret {}

/** What is wrong with a piece of XML. Its message never quotes the text, which may hold key material. */
export class XmlFormError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlFormError';
  }
}

/**
 * An element with its place in the text that it was read from, so that the text can be kept and changed byte for byte.
 * Positions count UTF-16 units of that text.
 */
export interface PlacedElement {
  readonly element: XmlElement;
  readonly start: number;
  readonly end: number;
}

/**
 * The root element of a document. No entities but XML's own five, and no document type: .NET's readers had both abused
 * (GHSA-37gx-xxp4-5rgx).
 * @throws XmlFormError where the text is not well-formed XML, or has a document type
 */
export function parseDocument(text: string): PlacedElement {
  const root = parse(text).children.find((node) => node instanceof XmlElement);
  if (!root) throw new XmlFormError('has no root element');
  return placed(root);
}

function parse(text: string) {
  try {
    const document = parseXml(text, { includeOffsets: true, preserveDocumentType: true });
    if (document.children.some((node) => node instanceof XmlDocumentType)) {
      throw new XmlFormError('has a document type (DOCTYPE), which is not read');
    }
    return document;
  } catch (error) {
    if (error instanceof XmlFormError) throw error;
    // The parser's message has an excerpt of the text.
    const { line, column } = error as { line?: number; column?: number };
    throw new XmlFormError(`is not well-formed XML (line ${line ?? '?'}, column ${column ?? '?'})`);
  }
}

/** Child elements, in order, with their places. */
export function childElements(parent: XmlElement): PlacedElement[] {
  return parent.children.filter((node) => node instanceof XmlElement).map(placed);
}

/** Child elements of one name. Prefixes are not resolved: .NET writes the elements of a key ring without any. */
export function childrenNamed(parent: XmlElement, name: string): PlacedElement[] {
  return childElements(parent).filter(({ element }) => element.name === name);
}

/** The first element under `parent` that has the name, at any depth. */
export function findElement(parent: XmlElement, name: string): PlacedElement | undefined {
  for (const child of childElements(parent)) {
    const found = child.element.name === name ? child : findElement(child.element, name);
    if (found) return found;
  }
  return undefined;
}

/** Where the text between an element's tags stands. @throws XmlFormError where the element holds other elements, or nothing */
export function textPlace({ element }: PlacedElement): { text: string; start: number; end: number } {
  const [first, ...others] = element.children;
  if (!first || others.length > 0 || first.type !== 'text')
    throw new XmlFormError(`has a ${element.name} without text`);
  return { text: element.text, start: first.start, end: first.end };
}

/** `text` with each of the places replaced. */
export function splice(text: string, changes: readonly { start: number; end: number; text: string }[]): string {
  return [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((rest, change) => rest.slice(0, change.start) + change.text + rest.slice(change.end), text);
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function placed(element: XmlElement): PlacedElement {
  return { element, start: element.start, end: element.end };
}
