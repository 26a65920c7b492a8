import type { QueueClient } from '@azure/storage-queue';
import { answerOf, soon } from '../azure/storage.ts';
import { MaintenanceError } from '../errors.ts';
import type { WorkMessage } from './message.ts';
import type { PoisonQueue, WorkQueue } from './workQueue.ts';

/** The most that one call returns (Azure documentation, "Get Messages"). */
const batch = 32;

type Open = (queue: string) => Promise<QueueClient>;
type Use = <T>(work: (client: QueueClient) => Promise<T>) => Promise<T>;

/**
 * A queue in Azure Queue Storage and its poison queue, each made when first needed. Texts are base64 of JSON, as
 * `messageEncoding` of host.json says. Messages do not expire.
 * @throws MaintenanceError `queue_unavailable`
 */
export function storageQueue(name: string, open: Open): WorkQueue {
  const use = queueOf(name, open);
  return {
    name,
    poison: poisonQueue(`${name}-poison`, open),
    put: (message, delayMs) => put(use, message, delayMs),
    nextSince: () =>
      use(async (client) => {
        const [next] = (await client.peekMessages({ numberOfMessages: 1, ...soon() })).peekedMessageItems;
        return next?.dequeueCount === 0 ? next.insertedOn : undefined;
      }),
  };
}

function poisonQueue(name: string, open: Open): PoisonQueue {
  const use = queueOf(name, open);
  return {
    name,
    count: () => use(async (client) => (await client.getProperties(soon())).approximateMessagesCount ?? 0),
    put: (message) => put(use, message),
    peek: () =>
      use(async (client) => {
        const { peekedMessageItems } = await client.peekMessages({ numberOfMessages: batch, ...soon() });
        return peekedMessageItems.map(told);
      }),
    take: () =>
      use(async (client) => {
        const options = { numberOfMessages: batch, visibilityTimeout: 60, ...soon() };
        const { receivedMessageItems } = await client.receiveMessages(options);
        return receivedMessageItems.map(({ messageId, popReceipt, ...message }) => ({
          ...told(message),
          forget: () =>
            use(async () => void (await client.deleteMessage(messageId, popReceipt, soon()).catch(ignoreGone))),
        }));
      }),
  };
}

/** Works on a queue that exists; after a failure it is made anew, should it be gone. */
function queueOf(name: string, open: Open): Use {
  let opened: Promise<QueueClient> | undefined;
  const create = async () => {
    const client = await open(name);
    await client.createIfNotExists(soon());
    return client;
  };
  return async (work) => {
    opened ??= create();
    const client = opened;
    try {
      return await work(await client);
    } catch (error) {
      if (opened === client) opened = undefined;
      throw new MaintenanceError(
        'queue_unavailable',
        `The queue ${name} cannot be reached${answerOf(error)}.`,
        'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Queue Data Contributor of the identity.',
      );
    }
  };
}

/** The service counts whole seconds. */
async function put(use: Use, message: WorkMessage, delayMs = 0): Promise<void> {
  const text = Buffer.from(JSON.stringify(message)).toString('base64');
  const options = { visibilityTimeout: Math.ceil(delayMs / 1000), messageTimeToLive: -1 };
  await use((client) => client.sendMessage(text, { ...options, ...soon() }));
}

/** A text that is not base64 stays as it is: it is nobody's message, and shown to an operator. */
function told({ messageText: text, insertedOn }: { messageText: string; insertedOn: Date }) {
  const decoded = Buffer.from(text, 'base64');
  const isBase64 = decoded.toString('base64') === text;
  return { text: isBase64 ? decoded.toString('utf8') : text, insertedAt: insertedOn.toISOString() };
}

/** The message was deleted (404), or delivered meanwhile, so that the receipt is old (400 PopReceiptMismatch). */
function ignoreGone(error: unknown): undefined {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (statusCode !== 404 && code !== 'PopReceiptMismatch') throw error;
}
