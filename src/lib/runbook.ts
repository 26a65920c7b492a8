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

/** Every check that a finding can have, in the order of the alphabet. */
export const checkNames: readonly string[] = Object.values(pages).flat().sort();

/** Where the runbook is read unless RUNBOOK_URL names a place: in the repository. */
export const runbookFolder = 'docs/runbook';

const pageOf = new Map<string, string>(
  Object.entries(pages).flatMap(([page, checks]) => checks.map((check) => [check, page] as const)),
);

/** The section of the runbook that explains a finding. @param runbook an address or a path, without a slash at its end */
export function runbookOf(check: string, runbook: string): string {
  return `${runbook}/${pageOf.get(check) ?? 'README'}.md#${check.toLowerCase()}`;
}
