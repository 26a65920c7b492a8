import { KeyRingError } from './keyRingError.ts';
import type { KeyRingPolicy } from './policy.ts';

/** @throws KeyRingError `key_ring_observed` where the ring's setting does not let this tool write */
export function refuseObserved({ mode }: KeyRingPolicy): void {
  if (mode === 'manage') return;
  throw new KeyRingError(
    'key_ring_observed',
    'The ring is in mode observe: nothing is written.',
    'Set its mode to manage in KEY_RINGS, and switch automatic key generation off in every app that uses it.',
  );
}
