import { CacheTableError } from '../cacheTableError.ts';

/**
 * 651: an index of the table has ALLOW_ROW_LOCKS = OFF, which refuses ROWLOCK. 102, 156, 319, 321: syntax, and hints that
 * are not known; 650, 1047, 1065, 1069: hints that do not go with the isolation level, the statement or each other; 10794:
 * the table is memory-optimised (sys.messages).
 */
const refusals = new Set(['102', '156', '319', '321', '650', '651', '1047', '1065', '1069', '10794']);

/** Whether a server, or what speaks like one, refused a statement for its hints. */
export function refusesHints(error: unknown): boolean {
  if (!(error instanceof CacheTableError)) return false;
  return (
    refusals.has(error.engineCode) || /\bhints?\b.*(not|un)(\s|-)?(supported|known|recognized)/i.test(error.message)
  );
}

/** The statement without table hints and query options: slower, and locked rows are waited for, but nothing else deletes. */
export function withoutHints(text: string): string {
  return text.replace(/ WITH \([A-Z, ]+\)/g, '').replace(/\nOPTION \([A-Z0-9 ,]+\)/g, '');
}
