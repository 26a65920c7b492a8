import { createHash } from 'node:crypto';
import type { RingChange, StoredElement } from './keyRingStore.ts';
import { childElements, type PlacedElement, parseDocument, SealedXml, splice, XmlFormError } from './xml.ts';

/**
 * A whole ring in one XML document, as the blob store of .NET keeps it: children of a root whose name nobody checks.
 * Changes are made on the text, so that all else stays byte for byte.
 */
export class RingDocument {
  readonly elements: readonly StoredElement[];
  readonly #text: string;
  readonly #root: PlacedElement;
  readonly #places: Map<StoredElement, PlacedElement>;

  private constructor(text: string) {
    this.#text = text;
    this.#root = parseDocument(text);
    const children = childElements(this.#root.element);
    this.#places = new Map(
      children.map((child, index) => [
        { place: `element ${index + 1}`, xml: new SealedXml(text.slice(child.start, child.end)) },
        child,
      ]),
    );
    this.elements = [...this.#places.keys()];
  }

  /**
   * Reads the bytes of a blob. None at all are an empty ring, as to .NET.
   * @throws XmlFormError where they are not UTF-8 or not well-formed XML
   */
  static parse(bytes: Uint8Array): RingDocument {
    if (bytes.length === 0) return RingDocument.empty();
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new XmlFormError('is not UTF-8 text');
    }
    return new RingDocument(text);
  }

  static empty(): RingDocument {
    return new RingDocument('<?xml version="1.0" encoding="utf-8"?><repository></repository>');
  }

  /** The document's bytes with the change made. */
  changed({ add, replace, remove }: RingChange): Uint8Array {
    const edits = [
      ...replace.map(({ element, xml }) => ({ ...this.#placeOf(element), text: xml.reveal() })),
      ...remove.map((element) => ({ ...this.#placeOf(element), text: '' })),
    ];
    const added = add.map(({ xml }) => xml.reveal()).join('');
    if (added) edits.push(this.#appended(added));
    return new TextEncoder().encode(splice(this.#text, edits));
  }

  /** The bytes as they were read. */
  bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }

  #placeOf(element: StoredElement): { start: number; end: number } {
    const place = this.#places.get(element);
    if (!place) throw new Error(`${element.place} is of another reading`);
    return { start: place.start, end: place.end };
  }

  /** Before the root's end tag; a root that closes itself is opened. */
  #appended(xml: string): { start: number; end: number; text: string } {
    const { element, start, end } = this.#root;
    const source = this.#text.slice(start, end);
    if (source.endsWith('/>')) {
      return { start: start + source.length - 2, end: start + source.length, text: `>${xml}</${element.name}>` };
    }
    const place = start + source.lastIndexOf('</');
    return { start: place, end: place, text: xml };
  }
}

/** Elements that a store keeps one by one; what is not well-formed is damage. */
export function readElements(texts: Iterable<readonly [place: string, text: string]>) {
  const elements: StoredElement[] = [];
  const damage: { place: string; problem: string }[] = [];
  for (const [place, text] of texts) {
    try {
      parseDocument(text);
      elements.push({ place, xml: new SealedXml(text) });
    } catch (error) {
      if (!(error instanceof XmlFormError)) throw error;
      damage.push({ place, problem: error.message });
    }
  }
  return { elements, damage };
}

/** A fingerprint of what was read, for stores that give none. */
export function fingerprint(parts: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(String(part.length)).update(':').update(part);
  return hash.digest('hex');
}

/** The instant as a part of a name: `20261124T071330123Z`. */
export function stamp(at: Date): string {
  return at.toISOString().replaceAll(/[-:.]/g, '');
}
