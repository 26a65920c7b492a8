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
