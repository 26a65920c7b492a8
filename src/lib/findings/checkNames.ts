import type { Level } from '../level.ts';
import type { CheckName } from '../runbook.ts';

/** What a judge says of a subject; where it is shown, its place in the runbook stands beside it. */
export interface JudgedFinding {
  check: CheckName;
  level: Level;
  subject: string;
  what: string;
  advice: string;
  since: string | null;
}

/** Those that are never more than a note, unless FINDING_LEVELS says so: a note of any other check is one for a reason of its own. */
export const noteChecks: ReadonlySet<string> = new Set<CheckName>([
  'app-metrics-absent',
  'commandRefused',
  'foreign_element',
  'last_usable_key',
  'purge-warning',
  'records-off',
]);
