import { byName } from './byName.ts';
import type { Level } from './level.ts';

/**
 * The pages of docs/runbook, and the findings that each explains, with the levels that they have by themselves, the worst first: a
 * section's name is its finding's.
 */
const pages = {
  app: {
    'clock-ahead': ['warning'],
    'job-failures': ['warning', 'info'],
    'records-off': ['info'],
    'records-unreadable': ['critical'],
    settings: ['critical', 'warning', 'info'],
    'timer-late': ['critical', 'warning'],
  },
  entries: {
    'encryption-unknown-keys': ['critical', 'info'],
    'encryption-revoked-keys': ['critical', 'info'],
  },
  'key-ring': {
    'key-ring-without-default': ['critical'],
    'rotation-absent': ['warning'],
    'rotation-failed': ['warning'],
    no_default_key: ['critical'],
    no_default_soon: ['critical'],
    no_successor: ['warning', 'info'],
    rotation_stopped: ['critical'],
    last_usable_key: ['info'],
    racing_keys: ['warning'],
    activated_at_creation: ['warning'],
    automatic_generation: ['warning'],
    clock_skew: ['warning'],
  },
  'key-ring-damage': {
    duplicate_key: ['critical'],
    revocation_unreadable: ['critical'],
    element_not_well_formed: ['critical'],
    ring_emptied: ['critical'],
    ring_not_seen: ['critical'],
    revocation_ahead: ['critical'],
    versions_differ: ['warning'],
    date_without_zone: ['warning'],
    key_passed_over: ['warning'],
    not_judged: ['warning'],
    foreign_element: ['info'],
  },
  'key-ring-protection': {
    'keys-in-plain-text': ['critical'],
    'key-version-expires': ['warning'],
    key_unreadable: ['critical', 'warning'],
    key_protected_otherwise: ['critical', 'warning'],
    protector_version_disabled: ['critical'],
    protector_version_expired: ['warning'],
    dpapi_key: ['warning'],
    key_vault_forbidden: ['critical', 'warning'],
    key_vault_unavailable: ['critical', 'warning'],
    key_vault_expired: ['critical', 'warning'],
    certificate_without_key: ['critical', 'warning'],
    certificate_unreadable: ['critical', 'warning'],
  },
  purge: {
    'app-purge': ['warning'],
    'backlog-growing': ['warning'],
    'database-load': ['warning'],
    'oldest-expired': ['warning'],
    'purge-absent': ['critical'],
    'purge-busy': ['warning'],
    'purge-warning': ['info'],
    'rows-kept': ['warning'],
  },
  queue: {
    'poison-messages': ['warning'],
    'queue-idle': ['critical', 'warning'],
    'queue-unreadable': ['warning'],
  },
  redis: {
    'redis-unreachable': ['critical', 'warning', 'info'],
    'watch-absent': ['warning'],
    rejectedConnections: ['critical', 'info'],
    clients: ['critical', 'warning'],
    slowPing: ['critical', 'warning', 'info'],
    replicationLink: ['critical'],
    clusterSlots: ['critical'],
    primaryDown: ['critical', 'warning'],
    sentinelQuorum: ['warning'],
    sentinelsDisagree: ['warning'],
    restarted: ['critical', 'warning'],
    persistence: ['warning'],
    saveFailed: ['warning'],
    hitRatio: ['warning'],
    keyRingInCache: ['critical', 'warning'],
    abortConnect: ['warning'],
    connectionOptions: ['warning'],
    commandRefused: ['info'],
    resourceMetrics: ['warning'],
    recordStore: ['warning'],
  },
  'redis-memory': {
    'redis-memory-critical': ['critical'],
    'redis-memory-high': ['warning'],
    'redis-evictions': ['critical', 'warning', 'info'],
    refusedWrites: ['critical', 'info'],
    timeUntilFull: ['critical', 'warning'],
    keysWithoutTtl: ['critical', 'warning'],
    evictionPolicy: ['warning'],
    noMemoryLimit: ['warning', 'info'],
    fragmentation: ['warning'],
  },
  'sql-table': {
    'counts-absent': ['warning'],
    'index-absent': ['warning'],
    'index-missing': ['warning'],
    'table-size': ['warning'],
  },
  'web-app': {
    'app-watch-absent': ['warning'],
    'app-metrics-absent': ['info'],
    'app-hit-ratio': ['warning'],
    'app-latency': ['warning'],
    'app-unreadable-entries': ['warning'],
    'app-store-errors': ['warning'],
    'app-failures': ['warning'],
    'app-errors-after-deployment': ['warning'],
    'app-sign-ins-clustered': ['warning'],
    'app-memory-growth': ['warning'],
  },
} as const satisfies Record<string, Record<string, readonly Level[]>>;

type Pages = typeof pages;
export type CheckName = { [page in keyof Pages]: keyof Pages[page] }[keyof Pages];

/** The levels that each check's findings have by themselves, the worst first. */
export const checkLevels = byName<readonly Level[]>(Object.assign({}, ...Object.values(pages)));

/** Every check that a finding can have, in the order of the alphabet. */
export const checkNames: readonly string[] = Object.keys(checkLevels).sort();

/** Those that are never more than a note, unless FINDING_LEVELS says so: a note of any other check is one for a reason of its own. */
export const isNote = (check: string) => checkLevels[check]?.join() === 'info';

/** Where the runbook is read unless RUNBOOK_URL names a place: in the repository. */
export const runbookFolder = 'docs/runbook';

const pageOf = new Map<string, string>(
  Object.entries(pages).flatMap(([page, checks]) => Object.keys(checks).map((check) => [check, page] as const)),
);

/** The section of the runbook that explains a finding. @param runbook an address or a path, without a slash at its end */
export function runbookOf(check: string, runbook: string): string {
  return `${runbook}/${pageOf.get(check) ?? 'README'}.md#${check.toLowerCase()}`;
}
