import { ringCheckNames } from '../keyRing/rule/findingAdvice.ts';
import { watchCheckNames } from '../redis/rules/rules.ts';
import type { Finding } from './finding.ts';

/** What the judges themselves find; the rest comes from the looks at Redis and the statuses of rings. */
const judgedChecks = [
  'app-errors-after-deployment',
  'app-failures',
  'app-hit-ratio',
  'app-latency',
  'app-memory-growth',
  'app-metrics-absent',
  'app-purge',
  'app-sign-ins-clustered',
  'app-store-errors',
  'app-unreadable-entries',
  'app-watch-absent',
  'backlog-growing',
  'clock-ahead',
  'counts-absent',
  'database-load',
  'index-absent',
  'index-missing',
  'job-failures',
  'key-ring-without-default',
  'oldest-expired',
  'poison-messages',
  'purge-absent',
  'purge-busy',
  'purge-warning',
  'queue-idle',
  'queue-unreadable',
  'records-off',
  'records-unreadable',
  'rows-kept',
  'rotation-absent',
  'rotation-failed',
  'settings',
  'table-size',
  'timer-late',
  'watch-absent',
] as const;

/** Those that are never more than a note, unless FINDING_LEVELS says so: a note of any other check is one for a reason of its own. */
export const noteChecks: ReadonlySet<string> = new Set([
  'app-metrics-absent',
  'commandRefused',
  'foreign_element',
  'last_usable_key',
  'purge-warning',
  'records-off',
]);

export type JudgedCheck = (typeof judgedChecks)[number];

export interface JudgedFinding extends Finding {
  check: JudgedCheck;
}

/** Every check that a finding can have, in the order of the alphabet. docs/operations.md has a place for each, by its name. */
export const checkNames: readonly string[] = [
  ...new Set([...judgedChecks, ...watchCheckNames, ...ringCheckNames]),
].sort();
