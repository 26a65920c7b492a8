import type { StorageAddress } from '../azure/storage.ts';
import { newRunId } from '../runs/runId.ts';
import type { ContinuationPolicy } from './continuation.ts';
import type { PurgeOptions, WorkJob, WorkMessage } from './message.ts';

export interface QueueSettings {
  /** `auto`: by the number of caches. */
  mode: 'auto' | 'always' | 'never';
  /** With more caches than this, the timers queue their work. */
  aboveCaches: number;
  name: string;
  /** Runs at once on the caches of one database server. */
  serverConcurrency: number;
  continuation: ContinuationPolicy;
  /** Undefined where the settings name no storage account: there is no queue then. */
  storage: { queues: StorageAddress; blobs: StorageAddress } | undefined;
}

/** Whether the timers queue their work: when asked for, or with more caches than one instance should work through. */
export function queuesWork({ mode, aboveCaches, storage }: QueueSettings, caches: number): boolean {
  if (!storage || mode === 'never') return false;
  return mode === 'always' || caches > aboveCaches;
}

export interface Work {
  job: WorkJob;
  subject: string;
  trigger: WorkMessage['trigger'];
  requestedBy?: WorkMessage['requestedBy'];
  /** When its successor is due. */
  until?: Date | undefined;
  purge?: PurgeOptions;
}

/** The message of a piece of work that begins now. */
export function newMessage({ job, subject, trigger, requestedBy, until, purge }: Work, now: Date): WorkMessage {
  return {
    version: 2,
    job,
    subject,
    runId: newRunId(job, subject, now),
    trigger,
    ...(requestedBy && { requestedBy }),
    queuedAt: now.toISOString(),
    ...(until && { until: until.toISOString() }),
    part: 1,
    ...(purge && { purge }),
  };
}

/** The message of the part that follows: a new one, whose record names the first part. */
export function nextMessage(
  { until: _until, tries: _tries, ...message }: WorkMessage,
  runId: string,
  purge: PurgeOptions,
  now: Date,
): WorkMessage {
  return {
    ...message,
    runId,
    first: message.first ?? message.runId,
    queuedAt: now.toISOString(),
    part: message.part + 1,
    purge,
  };
}
