import { z } from 'zod';

/**
 * How a run ended.
 * - `failed`: the job could not do its work · `refused`: the caller's or the ring's no, which says nothing of the job
 * - `skipped`: another run was at it · `aborted`: it was stopped from outside
 */
export const ending = z.enum(['succeeded', 'failed', 'refused', 'skipped', 'aborted']);
export type Ending = z.infer<typeof ending>;
