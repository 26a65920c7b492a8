import { isRevoked, type KeyRing } from '../../src/lib/keyRing/reading/keyRing.ts';
import type { RuleKey } from '../../src/lib/keyRing/rule/defaultKey.ts';

/** The keys of a ring as the rule sees them; `unreadable` has the ids of those that do not decrypt. */
export function ruleKeys(ring: KeyRing, unreadable: ReadonlySet<string> = new Set()): RuleKey[] {
  return ring.keys.map((key) => ({ ...key, revoked: isRevoked(ring, key), readable: !unreadable.has(key.id) }));
}
