import { z } from 'zod';
import { MaintenanceError } from '../errors.ts';
import { parseRunId } from '../runs/runId.ts';

const purgeOptions = z.strictObject({
  dryRun: z.boolean().optional(),
  olderThanMs: z.number().min(0).optional(),
  maxRows: z.int().min(1).optional(),
  timeBudgetMs: z.number().min(1).optional(),
});

const workMessage = z.strictObject({
  version: z.literal(1),
  job: z.enum(['purge', 'index', 'counts', 'redis']),
  cache: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  /** One for all parts of a chain, and for every delivery. */
  runId: z.string().refine((text) => parseRunId(text) !== undefined),
  trigger: z.enum(['timer', 'http']),
  requestedBy: z.strictObject({ by: z.string().max(300), from: z.string().max(300) }).optional(),
  queuedAt: z.iso.datetime(),
  /** Of a timer's message: when its successor is due. */
  until: z.iso.datetime().optional(),
  /** 1, and one more with each continuation. */
  part: z.int().min(1),
  /** How often another instance took this part over. */
  takeovers: z.int().min(0),
  /** Entries that instances which died had deleted in this part, as far as they told. */
  deletedBefore: z.int().min(0),
  /** Failed tries of a message that was put back since, which is a new one to the host. */
  tries: z.int().min(1).optional(),
  purge: purgeOptions.optional(),
});

/** A piece of work: one job on one cache. Holds nothing secret; instances of any age of one version understand it. */
export type WorkMessage = z.infer<typeof workMessage>;
export type WorkJob = WorkMessage['job'];
export type PurgeOptions = z.infer<typeof purgeOptions>;

/**
 * Reads a message, given as text or as the object that the Functions host makes of it.
 * @throws MaintenanceError `message_invalid`, which names the fields that are wrong and never their values
 */
export function readMessage(given: unknown): WorkMessage {
  const value = typeof given === 'string' ? parseJson(given) : given;
  const parsed = workMessage.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(String).join('.') || 'the whole'))];
  const version = (value as { version?: unknown } | null | undefined)?.version;
  const newer = typeof version === 'number' && version > 1 ? ' It was written by a newer version of this app.' : '';
  throw new MaintenanceError(
    'message_invalid',
    `A message of the work queue is not as expected (${fields.join(', ')}).${newer}`,
    'After 5 tries it lies in the poison queue: look who else writes to the queue, then `token-cache queue discard`.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
