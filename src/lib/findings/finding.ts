import { z } from 'zod';
import { level } from '../level.ts';
import { runbookOf } from '../runbook.ts';

/** Something that somebody should know of a subject, with what to do about it: as it is judged and kept. */
export const finding = z.object({
  check: z.string().meta({ description: 'Stable; docs/reference/findings.md has them all.' }),
  level,
  subject: z.string().meta({ description: '`cache web`, `key ring web`, `timer purgeExpiredEntries`, …' }),
  what: z.string(),
  advice: z.string(),
  since: z.iso.datetime().nullable().meta({ description: 'Null where that is not known.' }),
});
export type Finding = z.infer<typeof finding>;

/** The one shape that page, JSON, terminal and alerts show. */
export const toldFinding = finding
  .extend({ runbook: z.string().meta({ description: 'The section of the runbook, below RUNBOOK_URL.' }) })
  .meta({ id: 'Finding' });
export type ToldFinding = z.infer<typeof toldFinding>;

/** A finding as it is shown. @param runbook where the runbook is read */
export function toldOf(found: Finding, runbook: string): ToldFinding {
  return { ...found, runbook: runbookOf(found.check, runbook) };
}
