import type { RuleKey } from './defaultKey.ts';
import { compareInstants, type Instant, isUpTo } from './instants.ts';
import type { KeyProtector } from './keyProtector.ts';
import { isRevoked, type KeyRing, type RingKey } from './keyRing.ts';
import { KeyRingError } from './keyRingError.ts';
import { isMasterKey, secretOf } from './ringXml.ts';

/** A key with what is known of its use. */
export interface ViewedKey extends RingKey, RuleKey {
  /**
   * `no`: no consumer can decrypt it · `unknown`: this protector cannot tell, as it is another's or does not answer; the
   * rule then takes it as readable, as to the apps.
   */
  unwraps: 'yes' | 'no' | 'unknown';
  /** Why, where it is not `yes`. */
  unwrapProblem: KeyRingError | undefined;
}

/** The keys of a ring as the rule sees them, oldest first, each tried with the protector. Their secrets
 * are not kept. */
export async function viewKeys(ring: KeyRing, protector: KeyProtector): Promise<ViewedKey[]> {
  const keys: ViewedKey[] = [];
  const inOrder = [...ring.keys].sort((a, b) => compareInstants(a.creation, b.creation));
  for (const key of inOrder) {
    const problem = await tryUnwrap(key, protector);
    const unwraps = problem === undefined ? 'yes' : problem.code === 'key_unreadable' ? 'no' : 'unknown';
    keys.push({ ...key, revoked: isRevoked(ring, key), readable: unwraps !== 'no', unwraps, unwrapProblem: problem });
  }
  return keys;
}

/** Undefined where the key unwraps. */
export async function tryUnwrap(key: RingKey, protector: KeyProtector): Promise<KeyRingError | undefined> {
  const secret = secretOf(key.element.xml);
  try {
    if (!secret || key.protection.kind === 'unknown' || !isOurs(key, protector)) throw protectedOtherwise(key);
    const plain = key.protection.kind === 'none' ? secret : await protector.unprotect(secret);
    if (!isMasterKey(plain)) throw notAMasterKey();
    return undefined;
  } catch (error) {
    if (error instanceof KeyRingError) return error;
    throw error;
  }
}

function isOurs({ protection }: RingKey, protector: KeyProtector): boolean {
  return protection.kind === 'none' || protection.kind === protector.kind;
}

function protectedOtherwise({ id, protection }: RingKey): KeyRingError {
  return new KeyRingError(
    'key_protected_otherwise',
    `Key ${id} is protected otherwise (${protection.kind === 'unknown' ? protection.decryptorType.split(',')[0] || 'in an unknown form' : protection.kind}) than the ring's protector says.`,
    'Make the protector of the ring in KEY_RINGS the one that the apps use.',
  );
}

function notAMasterKey(): KeyRingError {
  return new KeyRingError(
    'key_unreadable',
    'What the key decrypts to is no master key.',
    'The key was damaged: revoke it, so that a new one is published.',
  );
}

/** Neither revoked nor known to be unreadable, nor expired: it can still be a default, now or later. */
export function isUsable({ revoked, readable, expiration }: RuleKey, now: Instant): boolean {
  return !revoked && readable && !isUpTo(expiration, now);
}
