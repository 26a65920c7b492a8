import { MaintenanceError } from './errors.ts';

/** What is asked of a clear: every entry of one cache, alive or not. All of its users sign in again. */
export interface ClearRequest {
  /** The cache's name. Without it the report is a plan, and nothing is deleted. */
  confirm?: string | undefined;
  /** Of a Redis cache: also the entries under longer prefixes, which may be other apps'. */
  allPrefixes?: boolean | undefined;
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
