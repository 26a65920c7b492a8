import { TableClient } from '@azure/data-tables';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { newMessage, type Work } from '../../src/lib/queue/dispatch.ts';
import type { WorkMessage } from '../../src/lib/queue/message.ts';
import { recordTableName } from '../../src/lib/runs/tableRecordStore.ts';

/** The test's own view of a work queue in Azurite. */
export interface TestQueue {
  put(message: unknown): Promise<void>;
  /** Messages that are there, visible or not. */
  count(): Promise<number>;
  /** What a worker would be given now. */
  visible(): Promise<unknown[]>;
  poisoned(): Promise<unknown[]>;
  /** Takes all messages of the work queue away. */
  take(): Promise<void>;
  /** Both queues, and all records. */
  clear(): Promise<void>;
}

export function testQueue(connectionString: string, name = 'token-cache-maintenance'): TestQueue {
  const service = QueueServiceClient.fromConnectionString(connectionString);
  const created = async (queue: string): Promise<QueueClient> => {
    const client = service.getQueueClient(queue);
    await client.createIfNotExists();
    return client;
  };
  const peek = async (queue: string) => {
    const { peekedMessageItems } = await (await created(queue)).peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems.map(({ messageText }) => {
      const text = Buffer.from(messageText, 'base64').toString('utf8');
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text;
      }
    });
  };
  return {
    put: async (message) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      await (await created(name)).sendMessage(Buffer.from(text).toString('base64'));
    },
    count: async () => (await (await created(name)).getProperties()).approximateMessagesCount ?? 0,
    visible: () => peek(name),
    poisoned: () => peek(`${name}-poison`),
    take: async () => void (await (await created(name)).clearMessages()),
    clear: async () => {
      await (await created(name)).clearMessages();
      await (await created(`${name}-poison`)).clearMessages();
      await TableClient.fromConnectionString(connectionString, recordTableName, {
        allowInsecureConnection: true,
      }).deleteTable();
    },
  };
}

export function workMessage(
  work: Partial<Work> = {},
  changes: Partial<WorkMessage> = {},
  now = new Date(),
): WorkMessage {
  return { ...newMessage({ job: 'purge', subject: 'default', trigger: 'timer', ...work }, now), ...changes };
}
