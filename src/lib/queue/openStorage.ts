import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import type { StorageAddress } from '../settings/queueSettings.ts';

/** Retried a little and soon: whoever waits is a timer or a request. */
const options = { retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 } };

/** A client of a queue. The SDK, and the identity library where it is needed, are loaded only now. */
export async function openQueue(address: StorageAddress, queue: string): Promise<QueueClient> {
  const { QueueServiceClient } = await import('@azure/storage-queue');
  const service =
    'connectionString' in address
      ? QueueServiceClient.fromConnectionString(address.connectionString, options)
      : new QueueServiceClient(address.endpoint, await credentialOf(address.clientId), options);
  return service.getQueueClient(queue);
}

/** As {@link openQueue}, of a container of blobs. */
export async function openContainer(address: StorageAddress, container: string): Promise<ContainerClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const service =
    'connectionString' in address
      ? BlobServiceClient.fromConnectionString(address.connectionString, options)
      : new BlobServiceClient(address.endpoint, await credentialOf(address.clientId), options);
  return service.getContainerClient(container);
}

async function credentialOf(clientId: string | undefined) {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  return clientId ? new ManagedIdentityCredential({ clientId }) : new DefaultAzureCredential();
}
