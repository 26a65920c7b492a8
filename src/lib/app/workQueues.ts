import { openContainer, openQueue, retriedSoon } from '../azure/storage.ts';
import { type Clock, systemClock } from '../clock.ts';
import { blobSlots, slotContainerName } from '../queue/blobSlots.ts';
import type { QueueSettings } from '../queue/dispatch.ts';
import type { ServerSlots } from '../queue/serverSlots.ts';
import { storageQueue } from '../queue/storageQueue.ts';
import type { WorkQueue } from '../queue/workQueue.ts';

/** The queue of the app, and what its workers share. */
export interface WorkQueueAdapters {
  queue: WorkQueue;
  slots: ServerSlots;
}

/** Undefined where the settings name no storage account. One for the process: it knows what it has made. */
export function openWorkQueue(
  { storage, name, serverConcurrency }: QueueSettings,
  clock: Clock = systemClock,
): WorkQueueAdapters | undefined {
  if (!storage) return undefined;
  return {
    queue: storageQueue(name, (queue) => openQueue(storage.queues, queue)),
    slots: blobSlots(() => openContainer(storage.blobs, slotContainerName, retriedSoon), {
      places: serverConcurrency,
      clock,
      random: Math.random,
    }),
  };
}
