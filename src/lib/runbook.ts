import { byName } from './byName.ts';
import type { Level } from './level.ts';

/** The pages of docs/runbook, and the findings that each explains: a section's name is its finding's. */
const pages = {
  app: ['clock-ahead', 'job-failures', 'records-off', 'records-unreadable', 'settings', 'timer-late'],
  'key-ring': [
    'key-ring-without-default',
    'rotation-absent',
    'rotation-failed',
    'no_default_key',
    'no_default_soon',
    'no_successor',
    'rotation_stopped',
    'last_usable_key',
    'racing_keys',
    'activated_at_creation',
    'automatic_generation',
    'clock_skew',
  ],
  'key-ring-damage': [
    'duplicate_key',
    'revocation_unreadable',
    'element_not_well_formed',
    'ring_emptied',
    'ring_not_seen',
    'revocation_ahead',
    'versions_differ',
    'date_without_zone',
    'key_passed_over',
    'not_judged',
    'foreign_element',
  ],
  'key-ring-protection': [
    'keys-in-plain-text',
    'key-version-expires',
    'key_unreadable',
    'key_protected_otherwise',
    'protector_version_disabled',
    'protector_version_expired',
    'dpapi_key',
    'key_vault_forbidden',
    'key_vault_unavailable',
    'key_vault_expired',
    'certificate_without_key',
    'certificate_unreadable',
  ],
  purge: [
    'app-purge',
    'backlog-growing',
    'database-load',
    'oldest-expired',
    'purge-absent',
    'purge-busy',
    'purge-warning',
    'rows-kept',
  ],
  queue: ['poison-messages', 'queue-idle', 'queue-unreadable'],
  redis: [
    'redis-unreachable',
    'watch-absent',
    'rejectedConnections',
    'clients',
    'slowPing',
    'replicationLink',
    'clusterSlots',
    'primaryDown',
    'sentinelQuorum',
    'sentinelsDisagree',
    'restarted',
    'persistence',
    'saveFailed',
    'hitRatio',
    'keyRingInCache',
    'abortConnect',
    'connectionOptions',
    'commandRefused',
    'resourceMetrics',
    'recordStore',
  ],
  'redis-memory': [
    'redis-memory-critical',
    'redis-memory-high',
    'redis-evictions',
    'refusedWrites',
    'timeUntilFull',
    'keysWithoutTtl',
    'evictionPolicy',
    'noMemoryLimit',
    'fragmentation',
  ],
  'sql-table': ['counts-absent', 'index-absent', 'index-missing', 'table-size'],
  'web-app': [
    'app-watch-absent',
    'app-metrics-absent',
    'app-hit-ratio',
    'app-latency',
    'app-unreadable-entries',
    'app-store-errors',
    'app-failures',
    'app-errors-after-deployment',
    'app-sign-ins-clustered',
    'app-memory-growth',
  ],
} as const satisfies Record<string, readonly string[]>;

export type CheckName = (typeof pages)[keyof typeof pages][number];

/** Levels other than a warning alone. */
const levels: { readonly [check in CheckName]?: readonly Level[] } = {
  'app-metrics-absent': ['info'],
  certificate_unreadable: ['critical', 'warning'],
  certificate_without_key: ['critical', 'warning'],
  clients: ['critical', 'warning'],
  clusterSlots: ['critical'],
  commandRefused: ['info'],
  duplicate_key: ['critical'],
  element_not_well_formed: ['critical'],
  foreign_element: ['info'],
  'job-failures': ['warning', 'info'],
  'key-ring-without-default': ['critical'],
  key_protected_otherwise: ['critical', 'warning'],
  key_unreadable: ['critical', 'warning'],
  key_vault_expired: ['critical', 'warning'],
  key_vault_forbidden: ['critical', 'warning'],
  key_vault_unavailable: ['critical', 'warning'],
  keyRingInCache: ['critical', 'warning'],
  'keys-in-plain-text': ['critical'],
  keysWithoutTtl: ['critical', 'warning'],
  last_usable_key: ['info'],
  noMemoryLimit: ['warning', 'info'],
  no_default_key: ['critical'],
  no_default_soon: ['critical'],
  no_successor: ['warning', 'info'],
  primaryDown: ['critical', 'warning'],
  protector_version_disabled: ['critical'],
  'purge-absent': ['critical'],
  'purge-warning': ['info'],
  'queue-idle': ['critical', 'warning'],
  'records-off': ['info'],
  'records-unreadable': ['critical'],
  'redis-evictions': ['critical', 'warning', 'info'],
  'redis-memory-critical': ['critical'],
  'redis-unreachable': ['critical', 'warning', 'info'],
  refusedWrites: ['critical', 'info'],
  rejectedConnections: ['critical', 'info'],
  replicationLink: ['critical'],
  restarted: ['critical', 'warning'],
  revocation_ahead: ['critical'],
  revocation_unreadable: ['critical'],
  ring_emptied: ['critical'],
  ring_not_seen: ['critical'],
  rotation_stopped: ['critical'],
  settings: ['critical', 'warning', 'info'],
  slowPing: ['critical', 'warning', 'info'],
  timeUntilFull: ['critical', 'warning'],
  'timer-late': ['critical', 'warning'],
};

/** Every check that a finding can have, in the order of the alphabet. */
export const checkNames: readonly string[] = Object.values(pages).flat().sort();

/** The levels that each check's findings have by themselves, the worst first. */
export const checkLevels = byName<readonly Level[]>(
  Object.fromEntries(
    Object.values(pages)
      .flat()
      .map((check) => [check, levels[check] ?? ['warning']]),
  ),
);

/** Those that are never more than a note, unless FINDING_LEVELS says so: a note of any other check is one for a reason of its own. */
export const isNote = (check: string) => checkLevels[check]?.join() === 'info';

/** Where the runbook is read unless RUNBOOK_URL names a place: in the repository. */
export const runbookFolder = 'docs/runbook';

const pageOf = new Map<string, string>(
  Object.entries(pages).flatMap(([page, checks]) => checks.map((check) => [check, page] as const)),
);

/** The section of the runbook that explains a finding. @param runbook an address or a path, without a slash at its end */
export function runbookOf(check: string, runbook: string): string {
  return `${runbook}/${pageOf.get(check) ?? 'README'}.md#${check.toLowerCase()}`;
}
