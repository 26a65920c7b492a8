import { z } from 'zod';
import { KeyRingError } from '../keyRingError.ts';

export const ringMode = z
  .enum(['observe', 'manage'])
  .meta({ description: '`observe`: status and findings, nothing is written.' });

/** How a ring is kept. Durations in milliseconds. */
export interface KeyRingPolicy {
  mode: z.infer<typeof ringMode>;
  /** From a key's creation to its expiry. */
  lifetimeMs: number;
  /** How long before the default key is missed its successor is published. */
  leadMs: number;
  /** Keys move to a new version of their protector when that is this old; undefined for never. */
  rewrapAfterMs: number | undefined;
  /** A ring that lost its keys may be begun anew. */
  acceptEmpty?: boolean;
  /** `rotate` prunes as well. */
  prune: boolean;
  /** How long a key must have been expired to be pruned, and to be left behind when others are re-wrapped. */
  pruneAfterMs: number;
}

/** @throws KeyRingError `key_ring_observed` where the ring's setting does not let this tool write */
export function refuseObserved({ mode }: KeyRingPolicy): void {
  if (mode === 'manage') return;
  throw new KeyRingError(
    'key_ring_observed',
    'The ring is in mode observe: nothing is written.',
    'Set its mode to manage in KEY_RINGS, and switch automatic key generation off in every app that uses it.',
  );
}
