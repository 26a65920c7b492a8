import { createHash } from 'node:crypto';
import type { RingChange, StoredDamage, StoredElement } from './keyRingStore.ts';
import {
  type Parts,
  parseDocument,
  parseParts,
  SealedXml,
  sealedPart,
  splice,
  XmlFormError,
  XmlUnjudged,
} from './xml.ts';
import { decodeXml, type XmlText } from './xmlText.ts';

/**
 * A whole ring in one XML document, as the blob store of .NET keeps it: children of a root whose name nobody checks.
 * Changes are made on the text, so that all else stays byte for byte.
 */
export class RingDocument {
  readonly elements: readonly StoredElement[];
  readonly #xml: XmlText;
  readonly #root: Parts['root'];
  readonly #places: Map<StoredElement, { start: number; end: number }>;
  /** The root is itself an element of a ring: a file of a folder, that was uploaded as the blob. */
  readonly isOneElement: boolean;
  /** The default namespace in the root: what is in it is not a key to .NET. */
  readonly rootNamespace: string;

  private constructor(xml: XmlText) {
    this.#xml = xml;
    const { root, children } = parseParts(xml.text);
    const { name, namespace, scope } = root;
    this.#root = root;
    this.isOneElement = namespace === '' && ['key', 'revocation'].includes(name);
    this.rootNamespace = scope.get('') ?? '';
    this.#places = new Map(
      children.map((child, index) => [
        { place: `element ${index + 1}`, xml: sealedPart(xml.text, child) },
        { start: child.start, end: child.end },
      ]),
    );
    this.elements = [...this.#places.keys()];
  }

  /**
   * Reads the bytes of a blob. None at all are an empty ring, as to .NET.
   * @throws XmlFormError where .NET cannot read them
   */
  static parse(bytes: Uint8Array): RingDocument {
    return bytes.length === 0 ? RingDocument.empty() : new RingDocument(decodeXml(bytes));
  }

  static empty(): RingDocument {
    return new RingDocument(decodeXml(Buffer.from('<?xml version="1.0" encoding="utf-8"?><repository></repository>')));
  }

  /** The document's bytes with the change made. */
  changed({ add, replace, remove }: RingChange): Uint8Array {
    const edits = [
      ...replace.map(({ element, xml }) => ({ ...this.#placeOf(element), text: xml.reveal() })),
      ...remove.map((element) => ({ ...this.#placeOf(element), text: '' })),
    ];
    const added = add.map(({ xml }) => this.#outOfNamespace(xml.reveal())).join('');
    if (added) edits.push(this.#appended(added));
    return this.#xml.encode(splice(this.#xml.text, edits));
  }

  /** The bytes as they were read. */
  bytes(): Uint8Array {
    return this.#xml.encode(this.#xml.text);
  }

  /** What is added has no namespace, whatever the root's default one. */
  #outOfNamespace(xml: string): string {
    return this.rootNamespace === '' ? xml : xml.replace(/^<[\w-]+/, (tag) => `${tag} xmlns=""`);
  }

  #placeOf(element: StoredElement): { start: number; end: number } {
    const place = this.#places.get(element);
    if (!place) throw new Error(`${element.place} is of another reading`);
    return { start: place.start, end: place.end };
  }

  /** Before the root's end tag; a root that closes itself is opened. */
  #appended(xml: string): { start: number; end: number; text: string } {
    const { qualifiedName, start, end } = this.#root;
    const source = this.#xml.text.slice(start, end);
    if (source.endsWith('/>')) {
      return { start: start + source.length - 2, end: start + source.length, text: `>${xml}</${qualifiedName}>` };
    }
    const place = start + source.lastIndexOf('</');
    return { start: place, end: place, text: xml };
  }
}

/** A text as it was kept, or the bytes of a file. */
export type KeptElement = readonly [place: string, content: string | Uint8Array];

/** Elements that a store keeps one by one; what .NET throws on is damage. Their readers take a document type. */
export function readElements(kept: Iterable<KeptElement>) {
  const elements: (StoredElement & { encode: XmlText['encode'] })[] = [];
  const damage: StoredDamage[] = [];
  for (const [place, content] of kept) {
    try {
      const { text, encode } = typeof content === 'string' ? asText(content) : decodeXml(content);
      parseDocument(text, { doctype: 'read' });
      elements.push({ place, xml: new SealedXml(text), encode });
    } catch (error) {
      if (!(error instanceof XmlFormError)) throw error;
      damage.push({ place, problem: error.message, isJudged: !(error instanceof XmlUnjudged) });
    }
  }
  return { elements, damage };
}

/** .NET reads a string without looking at the encoding that it declares. */
function asText(text: string): XmlText {
  return { text, encode: (changed) => Buffer.from(changed, 'utf8') };
}

/** A fingerprint of what was read, for stores that give none. */
export function fingerprint(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(String(part.length)).update(':').update(part);
  return hash.digest('hex');
}

/** The instant as a part of a name: `20261124T071330123Z`. */
export function stamp(at: Date): string {
  return at.toISOString().replaceAll(/[-:.]/g, '');
}
