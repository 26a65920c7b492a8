import { z } from 'zod';
import { level } from '../level.ts';

/** Something that somebody should know of a subject, with what to do about it: the one shape that page, JSON, terminal and alerts show. */
export const finding = z
  .object({
    check: z.string().meta({ description: 'Stable; docs/operations.md has a section for each.' }),
    level,
    subject: z.string().meta({ description: '`cache web`, `key ring web`, `timer purgeExpiredEntries`, …' }),
    what: z.string(),
    advice: z.string(),
    since: z.iso.datetime().nullable().meta({ description: 'Null where that is not known.' }),
  })
  .meta({ id: 'Finding' });
export type Finding = z.infer<typeof finding>;
