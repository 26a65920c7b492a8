import { everySubject } from '../../lib/composition/diagnosisMaintenance.ts';
import type { Maintenance } from '../../lib/composition/maintenance.ts';
import { timedRuns } from './currentHealth.ts';

/** The jobs that leave records, those of timers and those that somebody asks for. */
export const recordedJobs = [
  'purge',
  'index',
  'counts',
  'clear',
  'redis',
  'rotateKeyRing',
  'keyRingStatus',
  'rewrapKeyRing',
  'revokeKeys',
  'pruneKeyRing',
  'diagnose',
] as const;

const askedOfRings = ['keyRingStatus', 'rewrapKeyRing', 'revokeKeys', 'pruneKeyRing'];

/** Every job of which there may be records, with the cache or ring of each. */
export function recordedRuns(maintenance: Maintenance): { job: string; cache: string }[] {
  return [
    ...timedRuns(maintenance),
    ...maintenance.cacheNames().map((cache) => ({ job: 'clear', cache })),
    // A diagnosis of one subject is recorded under its name.
    ...[...new Set([everySubject, ...maintenance.cacheNames(), ...maintenance.keyRings.names()])].map((cache) => ({
      job: 'diagnose',
      cache,
    })),
    ...maintenance.keyRings.names().flatMap((ring) => askedOfRings.map((job) => ({ job, cache: ring }))),
  ];
}
