import type { Clock } from '../clock.ts';
import { continuationOf, countOf } from '../queue/continuation.ts';
import { nextMessage } from '../queue/dispatch.ts';
import type { WorkMessage } from '../queue/message.ts';
import type { WorkQueue } from '../queue/workQueue.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Log } from '../runs/runJob.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { Settings } from '../settings/settings.ts';

export interface PurgeChainDeps {
  queue: WorkQueue;
  records: RecordStore;
  settings: Settings;
  clock: Clock;
  log: Log;
  /** The instance is taken away. */
  stopSignal: AbortSignal;
}

/**
 * Queues the part that follows a part of a purge, as a new message, before its own message is done.
 * @returns whether one follows
 * @throws MaintenanceError `queue_unavailable`
 */
export async function queueNextPart(
  { queue, records, settings, clock, log, stopSignal }: PurgeChainDeps,
  message: WorkMessage,
  run: RunRecord<'purge'>,
): Promise<boolean> {
  const policy = settings.queue.continuation;
  const end = {
    run,
    options: message.purge ?? {},
    rowLimit: settings.purgeRowLimit,
    instanceStops: stopSignal.aborted,
  };
  // Most runs are drained: their continuations need not be counted.
  if ('none' in continuationOf(end, policy, 0)) return false;
  const key = `continuations|${message.subject}`;
  const now = clock.now();
  const used = countOf(await records.readState(key).catch(() => undefined), policy.periodMs, now);
  // Without a record store nothing is counted but the parts of this chain.
  const counted = records.description === 'none' ? message.part - 1 : used.count;
  const next = continuationOf(end, policy, counted);
  if ('none' in next) return false;
  await queue.put(nextMessage(message, next.options, now), next.delayMs);
  await records.writeState(key, { ...used, count: used.count + 1 }).catch((error: Error) => {
    log('warn', `purge ${message.subject}: its continuations could not be counted: ${error.message}`, {});
  });
  return true;
}
