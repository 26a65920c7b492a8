import type { Clock } from '../clock.ts';
import { clockSkewMs } from './defaultKey.ts';
import { type Instant, instantOf } from './instants.ts';
import type { StoredRing } from './keyRingStore.ts';

/**
 * The present, for what is written to the ring: the store's own clock where this machine's differs from it by more than
 * consumers tolerate. A key activated ahead of the apps' clocks is no default to them yet, and they would mint one.
 */
export function ringTime(clock: Clock, { storeTime }: StoredRing): Instant {
  const own = clock.now();
  const skewed = storeTime && Math.abs(storeTime.getTime() - own.getTime()) > clockSkewMs;
  return instantOf(skewed ? storeTime : own);
}
