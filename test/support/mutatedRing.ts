import { createHash } from 'node:crypto';
import {
  algorithms,
  dates,
  deserializers,
  documentForms,
  elementForms,
  ids,
  iso,
  masterKey,
  masterKeys,
  offsets,
  rootForms,
  usualAlgorithms,
  usualDeserializer,
} from './ringForms.ts';

/** Choices that follow from a seed and a number alone. */
export class Choices {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = createHash('sha256').update(`${seed}:${index}`).digest().readUInt32LE();
  }

  /** From 0 to below `count` (mulberry32). */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  }

  oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** In one of so many cases. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }
}

const day = 86_400_000;

/** A ring as .NET writes it, with some of its parts in another form. */
export interface MutatedRing {
  elements: string[];
  /** As a blob. */
  blob: Uint8Array;
  /** Elements as they are kept one by one. */
  items: Uint8Array[];
}

/** `secrets` are more forms of a master key, beside those in plain text. */
export function mutatedRing(seed: number, index: number, now: number, secrets: typeof masterKeys = []): MutatedRing {
  const choose = new Choices(seed, index);
  // A third of the rings keep to the form, for the rule; the others have a change or three.
  let changes = choose.oneIn(3) ? 0 : 1 + choose.below(3);
  const change = (likely: number) => changes > 0 && choose.oneIn(likely) && changes-- > 0;
  const keys = Array.from({ length: 1 + choose.below(4) }, () =>
    keyOf(choose, now, change, [...masterKeys, ...secrets]),
  );
  const elements = keys.map(({ xml }) => xml);
  for (const { id } of keys) if (choose.oneIn(6)) elements.push(revocationOf(choose, now, id, change));
  if (choose.oneIn(6)) elements.push(revocationOf(choose, now, '*', change));
  if (change(8)) elements.push(elements[0] ?? '');
  if (change(8)) elements.push(...otherFormOf(choose, elements));
  const formed = elements.map((xml) => (change(6) ? choose.oneOf(elementForms)(xml) : xml));
  const root = change(6) ? choose.oneOf(rootForms) : (content: string) => `<repository>${content}</repository>`;
  const document = change(4) ? choose.oneOf(documentForms) : (xml: string) => Buffer.from(xml);
  const formedItem = choose.below(formed.length);
  return {
    elements: formed,
    blob: document(root(formed.join(''))),
    items: formed.map((xml, at) => (at === formedItem ? document(xml) : Buffer.from(xml))),
  };
}

type Change = (likely: number) => boolean;

function keyOf(choose: Choices, now: number, change: Change, secrets: typeof masterKeys) {
  const at = () => now + (choose.oneIn(2) ? choose.oneOf(offsets) : choose.below(240 * day) - 120 * day);
  const id = createHash('md5')
    .update(String(choose.below(2 ** 32)))
    .digest('hex');
  const dashed = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const creation = choose.oneIn(2) ? at() : now - choose.below(100 * day);
  const activation = choose.oneIn(2) ? creation : at();
  const expiration = choose.oneIn(2) ? activation + 90 * day : at();
  const date = (time: number) => (change(10) ? choose.oneOf(dates)(time) : iso(time));
  const base64 = createHash('sha512').update(dashed).digest('base64');
  const secret = change(7) ? choose.oneOf(secrets)(base64) : masterKey(base64);
  const type = change(10) ? choose.oneOf(deserializers) : usualDeserializer;
  const form = change(10) ? choose.oneOf(algorithms) : usualAlgorithms;
  const written = change(10) ? choose.oneOf(ids)(dashed) : dashed;
  const xml = `<key id="${written}" version="1"><creationDate>${date(creation)}</creationDate><activationDate>${date(activation)}</activationDate><expirationDate>${date(expiration)}</expirationDate><descriptor deserializerType="${type}"><descriptor>${form}${secret}</descriptor></descriptor></key>`;
  return { id: dashed, xml };
}

function revocationOf(choose: Choices, now: number, id: string, change: Change): string {
  const time = now - choose.below(20) * 10 * day + (choose.oneIn(5) ? 30 * day : 0);
  const date = change(5) ? choose.oneOf(dates)(time) : iso(time);
  const written = change(5) ? choose.oneOf(ids)(id) : id;
  return `<revocation version="1"><revocationDate>${date}</revocationDate><key id="${written}" /><reason>of a test</reason></revocation>`;
}

/** The first element again, its id in another form. */
function otherFormOf(choose: Choices, [first = '']: string[]): string[] {
  return [first.replace(/ id="([^"]*)"/, (_, id: string) => ` id="${choose.oneOf(ids)(id)}"`)];
}
