import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import { parseDuration } from '../src/lib/durations.ts';
import type { FunctionsWorker } from './functionsWorker.ts';

/**
 * A stand-in for the queue trigger of the Azure Functions host: works off the queues of an Azurite by the numbers of
 * host.json, with visibility, renewal, tries and poison queue as the WebJobs SDK has them (QueueListener, QueueProcessor). It does not
 * prove the real host: scaling, its polling under load, the extension bundle, identities.
 */
export interface QueueListener {
  /** Takes no further message; those that run are waited for. */
  stop(): Promise<void>;
}

export interface QueueListenerOptions {
  connectionString: string;
  /** Folder of host.json. */
  root: string;
  /** Longest wait between two looks at an empty queue; the host's own is that of host.json. */
  maxPollMs?: number;
  /** The wait after a failed try, instead of host.json's. */
  retryAfterMs?: number;
  /** After so long a message comes again whose instance died, instead of up to ten minutes. */
  hiddenSeconds?: number;
}

interface Numbers {
  batchSize: number;
  newBatchThreshold: number;
  maxDequeueCount: number;
  retryAfterMs: number;
  maxPollMs: number;
  /** While a message runs it stays invisible for so long, renewed at half time (QueueListener: `_visibilityTimeout`). */
  hiddenSeconds: number;
}

const firstPollMs = 100;

/** Begins to work off the queue of every queue-triggered function. */
export async function startQueueListener(
  worker: FunctionsWorker,
  options: QueueListenerOptions,
): Promise<QueueListener> {
  const { QueueServiceClient } = await import('@azure/storage-queue');
  const service = QueueServiceClient.fromConnectionString(options.connectionString);
  const numbers = readNumbers(options);
  const stopping = new AbortController();
  const loops = [...worker.registrations].flatMap(([name, { bindings }]) => {
    const trigger = Object.values(bindings).find(({ type }) => type === 'queueTrigger');
    if (!trigger) return [];
    const queue = String(trigger.queueName);
    const clients = { queue: service.getQueueClient(queue), poison: service.getQueueClient(`${queue}-poison`) };
    return [listen(worker, name, clients, numbers, stopping.signal)];
  });
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

function readNumbers({ root, maxPollMs, retryAfterMs, hiddenSeconds = 600 }: QueueListenerOptions): Numbers {
  const { extensions } = JSON.parse(readFileSync(`${root}/host.json`, 'utf8')) as {
    extensions: { queues: Record<string, string | number> };
  };
  const { batchSize, newBatchThreshold, maxDequeueCount, visibilityTimeout, maxPollingInterval } = extensions.queues;
  return {
    batchSize: Number(batchSize),
    newBatchThreshold: Number(newBatchThreshold),
    maxDequeueCount: Number(maxDequeueCount),
    retryAfterMs: retryAfterMs ?? timeSpanMs(visibilityTimeout),
    maxPollMs: maxPollMs ?? timeSpanMs(maxPollingInterval),
    hiddenSeconds,
  };
}

/** `hh:mm:ss`, as host.json writes it. */
function timeSpanMs(text: string | number | undefined): number {
  const [hours, minutes, seconds] = String(text).split(':');
  return parseDuration(`PT${Number(hours)}H${Number(minutes)}M${Number(seconds)}S`) ?? 0;
}

interface Clients {
  queue: QueueClient;
  poison: QueueClient;
}

/** Fetches a batch whenever no more than the threshold are under way; waits longer and longer while the queue is empty. */
async function listen(
  worker: FunctionsWorker,
  name: string,
  clients: Clients,
  numbers: Numbers,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let pollMs = firstPollMs;
  while (!signal.aborted) {
    if (running.size > numbers.newBatchThreshold) {
      await Promise.race([...running, waitFor(pollMs, signal)]);
      continue;
    }
    const messages = await receive(clients, numbers);
    for (const message of messages) {
      const run: Promise<void> = handle(worker, name, clients, numbers, message)
        .catch(() => undefined)
        .then(() => void running.delete(run));
      running.add(run);
    }
    pollMs = messages.length > 0 ? firstPollMs : Math.min(pollMs * 2, numbers.maxPollMs);
    if (messages.length === 0) await Promise.race([...running, waitFor(pollMs, signal)]);
  }
  await Promise.all(running);
}

/** Storage that is away for a while stops nothing: the next look tries again. */
async function receive({ queue }: Clients, { batchSize, hiddenSeconds }: Numbers): Promise<DequeuedMessageItem[]> {
  try {
    await queue.createIfNotExists();
    return (await queue.receiveMessages({ numberOfMessages: batchSize, visibilityTimeout: hiddenSeconds }))
      .receivedMessageItems;
  } catch {
    return [];
  }
}

async function handle(
  worker: FunctionsWorker,
  name: string,
  { queue, poison }: Clients,
  { maxDequeueCount, retryAfterMs, hiddenSeconds }: Numbers,
  message: DequeuedMessageItem,
): Promise<void> {
  const { messageId, messageText, dequeueCount } = message;
  let { popReceipt } = message;
  const toPoison = async () => {
    await poison.createIfNotExists();
    await poison.sendMessage(messageText, { messageTimeToLive: -1 });
    await queue.deleteMessage(messageId, popReceipt);
  };
  const decoded = Buffer.from(messageText, 'base64');
  // Its instance died in each of its tries; or it is not base64, which no try can fix.
  if (dequeueCount > maxDequeueCount || decoded.toString('base64') !== messageText) return toPoison();
  const done = new AbortController();
  const renewing = (async () => {
    for (;;) {
      await waitFor((hiddenSeconds * 1000) / 2, done.signal);
      if (done.signal.aborted) return;
      const renewed = await queue.updateMessage(messageId, popReceipt, messageText, hiddenSeconds);
      popReceipt = renewed.popReceipt ?? popReceipt;
    }
  })().catch(() => undefined);
  const succeeded = await worker
    .invokeQueue(name, decoded.toString('utf8'), { DequeueCount: dequeueCount, Id: messageId })
    .then(
      () => true,
      () => false,
    );
  done.abort();
  await renewing;
  if (succeeded) await queue.deleteMessage(messageId, popReceipt);
  else if (dequeueCount >= maxDequeueCount) await toPoison();
  else await queue.updateMessage(messageId, popReceipt, messageText, Math.ceil(retryAfterMs / 1000));
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
