import { z } from 'zod';
import { MaintenanceError } from '../errors.ts';
import { nameForm, parseRunId } from '../runs/runId.ts';
import { requester } from '../runs/runRecord.ts';

const purgeOptions = z.strictObject({
  dryRun: z.boolean().optional(),
  olderThanMs: z.number().min(0).optional(),
  maxRows: z.int().min(1).optional(),
  timeBudgetMs: z.number().min(1).optional(),
});

const runId = z.string().refine((text) => parseRunId(text) !== undefined);

const workMessage = z.strictObject({
  version: z.literal(2),
  job: z.enum(['purge', 'index', 'counts', 'redis']),
  subject: z.string().regex(nameForm),
  /** One for every delivery. */
  runId,
  trigger: z.enum(['timer', 'http']),
  requestedBy: requester.optional(),
  queuedAt: z.iso.datetime(),
  /** When a timer's message has its successor due. */
  until: z.iso.datetime().optional(),
  /** 1, and one more with each continuation, which names the first part. */
  part: z.int().min(1),
  first: runId.optional(),
  /** Failed tries of a message that was put back since, which is a new one to the host. */
  tries: z.int().min(1).optional(),
  purge: purgeOptions.optional(),
});

/** A piece of work: one job on one cache. Holds nothing secret; instances of any age of one version understand it. */
export type WorkMessage = z.infer<typeof workMessage>;
export type WorkJob = WorkMessage['job'];

/** Whether runs of a job may go over the queue. */
export function isWorkJob(job: string): job is WorkJob {
  return (workMessage.shape.job.options as readonly string[]).includes(job);
}

export type PurgeOptions = z.infer<typeof purgeOptions>;

/**
 * Reads a message, given as text or as the object that the Functions host makes of it. One of version 1, queued before an
 * update of the app, is understood.
 * @throws MaintenanceError `message_invalid`, which names the fields that are wrong and never their values
 */
export function readMessage(given: unknown): WorkMessage {
  const value = typeof given === 'string' ? parseJson(given) : given;
  const parsed = workMessage.safeParse(ofVersion1(value) ?? value);
  if (parsed.success) return parsed.data;
  const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(String).join('.') || 'the whole'))];
  const version = (value as { version?: unknown } | null | undefined)?.version;
  const newer = typeof version === 'number' && version > 2 ? ' It was written by a newer version of this app.' : '';
  throw new MaintenanceError(
    'message_invalid',
    `A message of the work queue is not as expected (${fields.join(', ')}).${newer}`,
    'After 5 tries it lies in the poison queue: look who else writes to the queue, then `token-cache queue discard`.',
  );
}

/** As {@link readMessage}; undefined where it cannot be read. */
export function readMessageOr(given: unknown): WorkMessage | undefined {
  try {
    return readMessage(given);
  } catch {
    return undefined;
  }
}

/** Version 1 had one run id, and one record, for all parts, and messages that stood by for an instance that might die. */
function ofVersion1(value: unknown): unknown {
  const old = value as Record<string, unknown> | null | undefined;
  if (old?.version !== 1) return undefined;
  const { cache, takeovers: _takeovers, deletedBefore: _deletedBefore, ...rest } = old;
  return { ...rest, version: 2, subject: cache, part: 1 };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
