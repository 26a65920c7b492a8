import { instruments } from '../telemetry/metrics.ts';
import type { RingStatus } from './ringStatus.ts';

/** Check and level of the findings that were measured since the process began, by ring. */
const reportedFindings = new Map<string, Set<string>>();

export function measureStatus(ring: string, status: RingStatus): void {
  for (const state of ['default', 'next', 'active', 'expired', 'revoked', 'unreadable'] as const) {
    instruments.keyRingKeys.record(status.keys.filter((key) => key.state === state).length, { ring, state });
  }
  instruments.defaultKeyTimeToExpiry.record(status.defaultTimeToExpiry ?? 0, { ring });
  if (status.newestKeyAge !== null) instruments.newestKeyAge.record(status.newestKeyAge, { ring });
  if (status.protectorTimeToExpiry !== null) {
    instruments.protectorTimeToExpiry.record(status.protectorTimeToExpiry, { ring });
  }
  // A gauge keeps its last value: what is no longer found is set to 0.
  const counts = new Map<string, number>([...(reportedFindings.get(ring) ?? [])].map((key) => [key, 0]));
  for (const { check, level } of status.findings)
    counts.set(`${check}|${level}`, (counts.get(`${check}|${level}`) ?? 0) + 1);
  reportedFindings.set(ring, new Set(counts.keys()));
  for (const [key, count] of counts) {
    const [check = '', level = ''] = key.split('|');
    instruments.findings.record(count, { check, level, subject: ring });
  }
}
