import { instruments } from '../telemetry/metrics.ts';
import type { RingStatus } from './ringStatus.ts';

/** Exports what a status says of the keys. */
export function measureStatus(ring: string, status: RingStatus): void {
  for (const state of ['default', 'next', 'active', 'expired', 'revoked', 'unreadable'] as const) {
    instruments.keyRingKeys.record(status.keys.filter((key) => key.state === state).length, { ring, state });
  }
  instruments.defaultKeyTimeToExpiry.record(status.defaultTimeToExpiry ?? 0, { ring });
  if (status.newestKeyAge !== null) instruments.newestKeyAge.record(status.newestKeyAge, { ring });
  if (status.protectorTimeToExpiry !== null) {
    instruments.protectorTimeToExpiry.record(status.protectorTimeToExpiry, { ring });
  }
}
