import type { TableClient } from '@azure/data-tables';
import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import type { Secret } from '../secret.ts';
import { credentialOf, type Identity } from './credentials.ts';

/** How to reach one service of a storage account. Clients are made here alone; each SDK is loaded when it is first needed. */
export type StorageAddress = { connectionString: Secret } | { endpoint: string; identity: Identity };

/** Blobs too: an endpoint with a signature (SAS), which is all the access there is. */
export type BlobAddress = StorageAddress | { signedEndpoint: Secret };

/** The scope of every storage account. */
export const storageScope = 'https://storage.azure.com/.default';

const retries = 2;
const delays = { retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };
/** Tried again a little and soon: whoever waits is a run, a timer or a request. */
export const retriedSoon = { retryOptions: { maxTries: 1 + retries, ...delays } };

/** Gives a call up after this time, with all the tries that its SDK makes: else they wait for an answer without end. */
export function soon(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(10_000) };
}

/** The service's status and code of a failure, in brackets. No more of it: its message may hold an address with a signature. */
export function answerOf(error: unknown): string {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  const said = [statusCode, code].filter((part) => typeof part === 'number' || typeof part === 'string').join(' ');
  return said && ` (${said})`;
}

export async function openTable(address: StorageAddress, table: string): Promise<TableClient> {
  const { TableClient } = await import('@azure/data-tables');
  const options = { retryOptions: { maxRetries: retries, ...delays } };
  if ('endpoint' in address)
    return new TableClient(address.endpoint, table, await credentialOf(address.identity), options);
  // http is the emulator's; an account in Azure has a connection string with https.
  const insecure = { allowInsecureConnection: true };
  return TableClient.fromConnectionString(address.connectionString.reveal(), table, { ...options, ...insecure });
}

export async function openQueue(address: StorageAddress, queue: string): Promise<QueueClient> {
  const { QueueServiceClient } = await import('@azure/storage-queue');
  const service =
    'endpoint' in address
      ? new QueueServiceClient(address.endpoint, await credentialOf(address.identity), retriedSoon)
      : QueueServiceClient.fromConnectionString(address.connectionString.reveal(), retriedSoon);
  return service.getQueueClient(queue);
}

/** @param options without any the SDK tries again for longer */
export async function openContainer(
  address: BlobAddress,
  container: string,
  options: StoragePipelineOptions = {},
): Promise<ContainerClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const serviceOf = async () => {
    if ('endpoint' in address)
      return new BlobServiceClient(address.endpoint, await credentialOf(address.identity), options);
    if ('signedEndpoint' in address) return new BlobServiceClient(address.signedEndpoint.reveal(), undefined, options);
    return BlobServiceClient.fromConnectionString(address.connectionString.reveal(), options);
  };
  return (await serviceOf()).getContainerClient(container);
}
