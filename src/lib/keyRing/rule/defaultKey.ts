import type { ConsumerVersion } from '../reading/consumerVersions.ts';
import { compareInstants, type Instant, isBefore, isUpTo, plusMs } from '../reading/instants.ts';

/** A key as the rule sees it. */
export interface RuleKey {
  id: string;
  creation: Instant;
  activation: Instant;
  expiration: Instant;
  revoked: boolean;
  /** Consumers can decrypt its secret. */
  readable: boolean;
}

const day = 86_400_000;
/** MaxServerClockSkew of KeyManagementOptions: a key counts as active this long before its activation. */
export const clockSkewMs = 300_000;
/** KeyPropagationWindow: how long a key takes, by .NET's reckoning, until every instance has read it. */
export const propagationMs = 2 * day;
/** KeyRingRefreshPeriod: the longest time until an instance reads the ring again. */
export const refreshMs = day;

/**
 * The key that a consumer protects with at `now`; undefined where it would mint one, or fall back. The rule of the packages
 * shipped from 8.0 to 11.0 (DefaultKeyResolver.FindDefaultKey): only the key activated latest is considered, whatever its
 * age; among keys activated at once the lower id. `test/interop` holds it against ASP.NET Core itself.
 */
export function defaultKey<K extends RuleKey>(keys: readonly K[], now: Instant): K | undefined {
  const candidate = latestActivated(keys, now);
  return candidate && isUsable(candidate, now) ? candidate : undefined;
}

/** The only key that the rule considers: the latest activated at `now`, usable or not. */
function latestActivated<K extends RuleKey>(keys: readonly K[], now: Instant): K | undefined {
  const until = plusMs(now, clockSkewMs);
  let latest: K | undefined;
  for (const key of keys) if (isUpTo(key.activation, until) && (!latest || byActivation(key, latest) < 0)) latest = key;
  return latest;
}

/**
 * What a consumer without automatic generation protects with where it has no default. It looks at the unrevoked readable keys,
 * expired or not: the newest created of those at least two days old, from version 9 on without the candidate just rejected;
 * else the oldest created of the younger ones. Undefined where it throws.
 */
export function fallbackKey<K extends RuleKey>(
  keys: readonly K[],
  now: Instant,
  version: ConsumerVersion,
): K | undefined {
  const rejected = version === 8 ? undefined : latestActivated(keys, now);
  const propagated = plusMs(now, -propagationMs);
  const usable = keys.filter((key) => !key.revoked && key.readable);
  const old = usable
    .filter((key) => key !== rejected && isUpTo(key.creation, propagated))
    .sort((a, b) => compareInstants(b.creation, a.creation));
  const young = usable
    .filter(({ creation }) => !isUpTo(creation, propagated))
    .sort((a, b) => compareInstants(a.creation, b.creation));
  return old[0] ?? young[0];
}

/** Neither revoked nor known to be unreadable, nor expired: it can still be a default, now or later. */
export function isUsable({ revoked, readable, expiration }: RuleKey, now: Instant): boolean {
  return !revoked && readable && isBefore(now, expiration);
}

/** The one that outdoes the others comes first: the latest activated, among those of one instant the lower id. */
export function byActivation(a: RuleKey, b: RuleKey): number {
  return compareInstants(b.activation, a.activation) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
