import { newRunId } from '../runs/runId.ts';
import type { QueueSettings } from '../settings/queueSettings.ts';
import type { PurgeOptions, WorkJob, WorkMessage } from './message.ts';

/** Whether the timers queue their work: when asked for, or with more caches than one instance should work through. */
export function queuesWork({ mode, aboveCaches, storage }: QueueSettings, caches: number): boolean {
  if (!storage || mode === 'never') return false;
  return mode === 'always' || caches > aboveCaches;
}

export interface Work {
  job: WorkJob;
  cache: string;
  trigger: WorkMessage['trigger'];
  requestedBy?: WorkMessage['requestedBy'];
  /** When its successor is due. */
  until?: Date | undefined;
  purge?: PurgeOptions;
}

/** The message of a piece of work that begins now. */
export function newMessage({ job, cache, trigger, requestedBy, until, purge }: Work, now: Date): WorkMessage {
  return {
    version: 1,
    job,
    cache,
    runId: newRunId(job, cache, now),
    trigger,
    ...(requestedBy && { requestedBy }),
    queuedAt: now.toISOString(),
    ...(until && { until: until.toISOString() }),
    part: 1,
    takeovers: 0,
    deletedBefore: 0,
    ...(purge && { purge }),
  };
}
