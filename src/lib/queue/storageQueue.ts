import type { QueueClient } from '@azure/storage-queue';
import { soon } from '../azure/storage.ts';
import { MaintenanceError } from '../errors.ts';
import type { WorkMessage } from './message.ts';
import type { PoisonQueue, WorkQueue } from './workQueue.ts';

/** The most that one call returns (Azure documentation, "Get Messages"). */
const batch = 32;

/**
 * A queue in Azure Queue Storage and its poison queue, each made when first needed. Texts are base64 of JSON, as
 * `messageEncoding` of host.json says. Messages do not expire.
 * @throws MaintenanceError `queue_unavailable`
 */
export class StorageQueue implements WorkQueue {
  readonly name: string;
  readonly poison: PoisonQueue;
  readonly #queue: CreatedQueue;

  constructor(name: string, open: (queue: string) => Promise<QueueClient>) {
    this.name = name;
    this.#queue = new CreatedQueue(name, open);
    this.poison = new StoragePoisonQueue(new CreatedQueue(`${name}-poison`, open));
  }

  async put(message: WorkMessage, delayMs = 0): Promise<void> {
    await this.#queue.use((client) =>
      client.sendMessage(encode(message), {
        visibilityTimeout: seconds(delayMs),
        messageTimeToLive: -1,
        ...soon(),
      }),
    );
  }

  async nextSince(): Promise<Date | undefined> {
    return this.#queue.use(async (client) => {
      const [next] = (await client.peekMessages({ numberOfMessages: 1, ...soon() })).peekedMessageItems;
      return next?.dequeueCount === 0 ? next.insertedOn : undefined;
    });
  }
}

class StoragePoisonQueue implements PoisonQueue {
  readonly name: string;
  readonly #queue: CreatedQueue;

  constructor(queue: CreatedQueue) {
    this.name = queue.name;
    this.#queue = queue;
  }

  async count(): Promise<number> {
    return this.#queue.use(async (client) => (await client.getProperties(soon())).approximateMessagesCount ?? 0);
  }

  async put(message: WorkMessage): Promise<void> {
    await this.#queue.use((client) => client.sendMessage(encode(message), { messageTimeToLive: -1, ...soon() }));
  }

  async peek() {
    return this.#queue.use(async (client) => {
      const { peekedMessageItems } = await client.peekMessages({ numberOfMessages: batch, ...soon() });
      return peekedMessageItems.map(({ messageText, insertedOn }) => ({
        text: decode(messageText),
        insertedAt: insertedOn.toISOString(),
      }));
    });
  }

  async take() {
    return this.#queue.use(async (client) => {
      const { receivedMessageItems } = await client.receiveMessages({
        numberOfMessages: batch,
        visibilityTimeout: 60,
        ...soon(),
      });
      return receivedMessageItems.map(({ messageId, popReceipt, messageText, insertedOn }) => ({
        text: decode(messageText),
        insertedAt: insertedOn.toISOString(),
        forget: () =>
          this.#queue.use(
            async () => void (await client.deleteMessage(messageId, popReceipt, soon()).catch(ignoreGone)),
          ),
      }));
    });
  }
}

/** A client of a queue that exists; a failure to make it is forgotten, so that the next call tries again. */
class CreatedQueue {
  readonly name: string;
  readonly #open: (queue: string) => Promise<QueueClient>;
  #client: Promise<QueueClient> | undefined;

  constructor(name: string, open: (queue: string) => Promise<QueueClient>) {
    this.name = name;
    this.#open = open;
  }

  async use<T>(work: (client: QueueClient) => Promise<T>): Promise<T> {
    this.#client ??= this.#create();
    const client = this.#client;
    try {
      return await work(await client);
    } catch (error) {
      if (this.#client === client) this.#client = undefined;
      throw unavailable(this.name, error);
    }
  }

  async #create(): Promise<QueueClient> {
    const client = await this.#open(this.name);
    await client.createIfNotExists(soon());
    return client;
  }
}

/** The service's code and status alone: its message may hold an address with a signature. */
function unavailable(queue: string, error: unknown): MaintenanceError {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  const said = [statusCode, code].filter((part) => typeof part === 'number' || typeof part === 'string').join(' ');
  return new MaintenanceError(
    'queue_unavailable',
    `The queue ${queue} cannot be reached${said ? ` (${said})` : ''}.`,
    'Check the storage account of the function app (AzureWebJobsStorage): its network rules, and the role Storage Queue Data Contributor of the identity.',
  );
}

/** Whole seconds, as the service counts. */
const seconds = (ms: number) => Math.ceil(ms / 1000);
const encode = (message: WorkMessage) => Buffer.from(JSON.stringify(message)).toString('base64');

/** A text that is not base64 stays as it is: it is nobody's message, and shown to an operator. */
function decode(text: string): string {
  const decoded = Buffer.from(text, 'base64');
  return decoded.toString('base64') === text ? decoded.toString('utf8') : text;
}

/** The message was deleted (404), or delivered meanwhile, so that the receipt is old (400 PopReceiptMismatch). */
function ignoreGone(error: unknown): undefined {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (statusCode !== 404 && code !== 'PopReceiptMismatch') throw error;
}
