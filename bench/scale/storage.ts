import { TableClient } from '@azure/data-tables';
import { QueueServiceClient } from '@azure/storage-queue';
import type { LocalStorage } from '../../dev/azurite.ts';
import type { RunRecord } from '../../src/lib/runs/runRecord.ts';
import { joinParts } from '../../src/lib/runs/sumOfParts.ts';
import { recordTableName, TableRecordStore } from '../../src/lib/runs/tableRecordStore.ts';

const queueName = 'token-cache-maintenance';

/** The bench's own look into the storage that the workers share. */
export class BenchStorage {
  readonly #storage: LocalStorage;
  readonly #records: TableRecordStore;

  constructor(storage: LocalStorage) {
    this.#storage = storage;
    this.#records = new TableRecordStore(
      async () =>
        TableClient.fromConnectionString(storage.connectionString, recordTableName, { allowInsecureConnection: true }),
      () => new Date(),
    );
  }

  get connectionString(): string {
    return this.#storage.connectionString;
  }

  /** Messages in the queue, hidden ones too. */
  async queued(): Promise<number> {
    return this.#count(queueName);
  }

  async poisoned(): Promise<number> {
    return this.#count(`${queueName}-poison`);
  }

  /** Newest first; the parts of one as one. */
  async purges(cache: string): Promise<RunRecord<'purge'>[]> {
    return joinParts(await this.#records.latestRuns('purge', cache, 1_000), new Date());
  }

  async #count(name: string): Promise<number> {
    const client = QueueServiceClient.fromConnectionString(this.#storage.connectionString).getQueueClient(name);
    await client.createIfNotExists();
    return (await client.getProperties()).approximateMessagesCount ?? 0;
  }
}
