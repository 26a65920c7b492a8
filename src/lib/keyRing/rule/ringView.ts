import { KeyRingError } from '../keyRingError.ts';
import type { KeyProtector } from '../protectors/keyProtector.ts';
import { namedType } from '../reading/descriptor.ts';
import { compareInstants, type Instant } from '../reading/instants.ts';
import { isRevoked, type KeyRing, type RingKey } from '../reading/keyRing.ts';
import { isMasterKey, secretOf } from '../reading/ringXml.ts';
import { shown } from '../reading/shown.ts';
import { defaultKey, type RuleKey } from './defaultKey.ts';

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

/** The keys of a ring as the rule sees them, oldest first, each tried with the protector. Their secrets are not kept. */
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
async function tryUnwrap(key: RingKey, protector: KeyProtector): Promise<KeyRingError | undefined> {
  const { element, protection, defect, doubt } = key;
  if (defect) {
    return new KeyRingError(
      'key_unreadable',
      `To apps it is unreadable: it ${defect}.`,
      'The key was damaged: revoke it, so that a new one is published.',
    );
  }
  if (doubt) {
    return new KeyRingError(
      'key_protected_otherwise',
      doubt,
      'Look at the ring from an app: its log says whether it reads the key.',
    );
  }
  const { kind } = protection;
  // A master key in plain text was looked at when the ring was read.
  if (kind === 'none') return undefined;
  const secret = secretOf(element.xml);
  if (!secret || kind !== protector.kind) {
    const form = kind === 'unknown' ? shown(namedType(protection.decryptorType).name) || 'in an unknown form' : kind;
    return new KeyRingError(
      'key_protected_otherwise',
      `It is protected otherwise (${form}) than the ring's protector says.`,
      'Make the protector of the ring in KEY_RINGS the one that the apps use.',
    );
  }
  try {
    if (isMasterKey(await protector.unprotect(secret))) return undefined;
  } catch (error) {
    if (error instanceof KeyRingError) return error;
    throw error;
  }
  return new KeyRingError(
    'key_unreadable',
    'What the key decrypts to is not a master key.',
    'The key was damaged: revoke it, so that a new one is published.',
  );
}

/**
 * A new key that the apps cannot decrypt would leave them without a default on the day of its activation. So nothing is
 * published while it cannot be seen that this protector is theirs.
 * @throws KeyRingError for what reason the ring's present key could not be tried
 */
export function refuseUntriedKey(keys: readonly ViewedKey[], now: Instant): void {
  const current = defaultKey(keys, now) ?? keys.at(-1);
  if (current?.unwraps !== 'unknown' || !current.unwrapProblem) return;
  const { code, message, advice, transient } = current.unwrapProblem;
  throw new KeyRingError(
    code,
    `No key was published, since the ring's present key ${current.id} could not be tried: ${message}`,
    advice,
    transient,
  );
}
