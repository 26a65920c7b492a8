/**
 * XML that may hold key material. It shows itself to no log, error, report or serialiser: whoever needs the text asks for
 * it by name.
 */
export class SealedXml {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text. For stores, protectors and the parser alone. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[sealed]';
  }

  toJSON(): string {
    return '[sealed]';
  }
}
