import { z } from 'zod';

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
  /** `rotate` prunes as well. */
  prune: boolean;
  /** How long a key must have been expired to be pruned, and to be left behind when others are re-wrapped. */
  pruneAfterMs: number;
}
