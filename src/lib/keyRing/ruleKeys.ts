import type { RuleKey } from './defaultKey.ts';
import { isRevoked, type KeyRing, type RingKey } from './keyRing.ts';

export type ViewedKey = RingKey & RuleKey;

/**
 * The keys of a ring as the rule sees them. `unreadable` has the ids of keys known not to decrypt; where that is not known
 * a key counts as readable, as to a consumer that has the means.
 */
export function ruleKeys(ring: KeyRing, unreadable: ReadonlySet<string> = new Set()): ViewedKey[] {
  return ring.keys.map((key) => ({ ...key, revoked: isRevoked(ring, key), readable: !unreadable.has(key.id) }));
}
