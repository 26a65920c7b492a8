import type { EntryJudge } from './entryForm.ts';
import { MaintenanceError } from './errors.ts';

/** What of the entries is asked for: those that nobody can read, and what the apps write now, where it is said. */
export interface UnreadableRequest {
  expect?: 'plain' | 'encrypted' | undefined;
}

/** What is asked of a clear: every entry of one cache, alive or not, whose users all sign in again; or the unreadable alone. */
export interface ClearRequest {
  /** The cache's name. Without it the report is a plan, and nothing is deleted. */
  confirm?: string | undefined;
  /** A Redis cache: also the entries under longer prefixes, which may be other apps'. */
  allPrefixes?: boolean | undefined;
  /** Only the entries that nobody can read. Undefined for every entry. */
  unreadable?: UnreadableRequest | undefined;
  /** Who says which those are; made of the rings of the settings. */
  judge?: EntryJudge | undefined;
  timeBudgetMs?: number | undefined;
  /** Stops between two batches. */
  signal?: AbortSignal | undefined;
  /** Called after each batch, with what has been deleted so far. */
  onProgress?: ((deleted: number) => void) | undefined;
}

/**
 * Whether the clear is to be done, or planned.
 * @throws MaintenanceError `confirmation_wrong` where it is confirmed with another name
 */
export function isConfirmed({ confirm }: ClearRequest, cache: string): boolean {
  if (confirm !== undefined && confirm !== cache) {
    throw new MaintenanceError(
      'confirmation_wrong',
      'The confirmation is not the name of the cache.',
      `To delete every entry, confirm with: ${cache}. Nothing was deleted.`,
    );
  }
  return confirm !== undefined;
}
