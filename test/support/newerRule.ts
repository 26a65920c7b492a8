import { compareInstants, type Instant, isUpTo, plusMs } from '../../src/lib/keyRing/reading/instants.ts';
import { clockSkewMs, isUsable, propagationMs, type RuleKey } from '../../src/lib/keyRing/rule/defaultKey.ts';

/**
 * The newer rule (aspnetcore PR #54309; in no shipped package of November 2026): the latest activated of the keys created
 * at least two days ago, else the earliest activated of the younger ones.
 */
export function defaultKeyByNewerRule<K extends RuleKey>(keys: readonly K[], now: Instant): K | undefined {
  const until = plusMs(now, clockSkewMs);
  const propagated = plusMs(now, -propagationMs);
  const active = keys.filter(({ activation }) => isUpTo(activation, until));
  const old = active.filter(({ creation }) => isUpTo(creation, propagated)).sort(byActivation);
  const young = active
    .filter(({ creation }) => !isUpTo(creation, propagated))
    .sort((a, b) => compareInstants(a.activation, b.activation) || compareIds(a, b));
  const candidate = [...old, ...young][0];
  return candidate && isUsable(candidate, now) ? candidate : undefined;
}

function byActivation(a: RuleKey, b: RuleKey): number {
  return compareInstants(b.activation, a.activation) || compareIds(a, b);
}

function compareIds(a: RuleKey, b: RuleKey): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
