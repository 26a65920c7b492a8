import { KeyRingError } from '../keyRingError.ts';
import type { KeyProtector } from '../protectors/keyProtector.ts';
import type { Instant } from '../reading/instants.ts';
import type { KeyRing, Protection } from '../reading/keyRing.ts';
import { formOfNewKeys, keyXml, masterKeyXml } from '../reading/ringXml.ts';
import type { SealedXml } from '../reading/xml.ts';
import { creationAfterRevocations } from '../rule/revocationAhead.ts';
import { refuseUntriedKey, type ViewedKey } from '../rule/ringView.ts';

/** Where random values come from; passed in, so that a test can repeat them. */
export interface Randomness {
  uuid(): string;
  bytes(count: number): Buffer;
}

export interface MadeKey {
  id: string;
  /** What the store should call it. */
  name: string;
  xml: SealedXml;
}

export interface KeyTimes {
  creation: Instant;
  activation: Instant;
  expiration: Instant;
  /** The id must be lower than this one. */
  idBelow?: string | undefined;
}

/** .NET's master keys have 512 bits, whatever the algorithms (AuthenticatedEncryptorConfiguration). */
const masterKeyBytes = 64;

/**
 * A new key for the ring, protected, and seen to unprotect again.
 * @throws KeyRingError where the protector does not protect and unprotect it
 */
export async function makeKey(
  ring: KeyRing,
  protector: KeyProtector,
  random: Randomness,
  { creation, activation, expiration, idBelow }: KeyTimes,
): Promise<MadeKey> {
  const bytes = random.bytes(masterKeyBytes);
  const plain = masterKeyXml(bytes);
  bytes.fill(0);
  const secret = await protector.protect(plain, decryptorTypeToCopy(ring, protector.kind));
  if ((await protector.unprotect(secret)).reveal() !== plain.reveal()) {
    throw new KeyRingError(
      'key_unproven',
      'A new key did not unprotect to what had been protected. It was not published.',
      "Look at the ring's protector; the next run tries again.",
    );
  }
  const id = newId(random, idBelow);
  return {
    id,
    name: `key-${id}`,
    xml: keyXml({ id, creation, activation, expiration, form: formOfNewKeys(ring), secret }),
  };
}

/**
 * The name of the decryptor's type in the ring's newest key with that protection: its version is one that the apps have. A
 * higher one than theirs would not load.
 */
function decryptorTypeToCopy({ keys }: KeyRing, kind: Protection['kind']): string | undefined {
  const [newest] = keys
    .filter(({ protection }) => protection.kind === kind)
    .sort((a, b) => Number(b.creation.epochNanoseconds - a.creation.epochNanoseconds));
  return newest && 'decryptorType' in newest.protection ? newest.protection.decryptorType : undefined;
}

const mostDraws = 100;

/** A random id; where it has to be lower than a very low one, with a first group of zeros. */
function newId(random: Randomness, below: string | undefined): string {
  for (let draw = 0; draw < mostDraws; draw++) {
    const id = random.uuid();
    if (below === undefined || id < below) return id;
  }
  return `00000000${random.uuid().slice(8)}`;
}

/**
 * When a new key is to be created.
 * @throws KeyRingError where none may be published: the apps could not read it, or it were born revoked
 */
export function creationOfNew(ring: KeyRing, keys: readonly ViewedKey[], now: Instant): Instant {
  refuseUntriedKey(keys, now);
  return creationAfterRevocations(ring, now);
}
