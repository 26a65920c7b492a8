import { randomBytes } from 'node:crypto';
import { type Instant, parseInstant } from '../../src/lib/keyRing/reading/instants.ts';
import type { KeyRing } from '../../src/lib/keyRing/reading/keyRing.ts';
import type { StoredRing } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { readKeyRing } from '../../src/lib/keyRing/reading/readKeyRing.ts';
import { formOfNewKeys, keyXml, masterKeyXml, revocationXml } from '../../src/lib/keyRing/reading/ringXml.ts';
import { SealedXml } from '../../src/lib/keyRing/reading/xml.ts';

/** Rings made for tests: keys in plain text, with random secrets. */

export const day = 86_400_000;
const form = formOfNewKeys({ keys: [], revocations: [], foreign: [], damage: [] });

export function instant(time: number | string): Instant {
  const parsed = parseInstant(typeof time === 'number' ? new Date(time).toISOString() : time);
  if (!parsed) throw new Error(`no instant: ${time}`);
  return parsed;
}

export interface KeyOptions {
  id: string;
  creation: number | string;
  activation?: number | string;
  expiration?: number | string;
  /** False for a key whose decryptor no consumer has. */
  readable?: boolean;
}

export function plainKey({ id, creation, activation = creation, expiration, readable = true }: KeyOptions): string {
  const secret = readable
    ? masterKeyXml(randomBytes(64))
    : new SealedXml(
        '<encryptedSecret decryptorType="Nobody.HasThis, Nowhere" xmlns="http://schemas.asp.net/2015/03/dataProtection"><x xmlns="" /></encryptedSecret>',
      );
  const created = instant(creation);
  return keyXml({
    id,
    creation: created,
    activation: instant(activation),
    expiration: expiration === undefined ? created.add({ hours: 24 * 90 }) : instant(expiration),
    form,
    secret,
  }).reveal();
}

export function revocation(date: number | string, key: string): string {
  return revocationXml(instant(date), key, 'test').reveal();
}

/** A number between 0 and 2^32, as a key id whose order is the number's. */
export function idFrom(number: number): string {
  return `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

function storedRing(elements: string[]): StoredRing {
  return {
    exists: true,
    elements: elements.map((text, index) => ({ place: `element ${index + 1}`, xml: new SealedXml(text) })),
    damage: [],
    storeTime: undefined,
  };
}

export function ringOf(elements: string[]): KeyRing {
  return readKeyRing(storedRing(elements));
}
