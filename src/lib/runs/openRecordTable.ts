import type { TableClient } from '@azure/data-tables';
import { recordTableName } from './tableRecordStore.ts';

export type RecordTableAddress = { connectionString: string } | { endpoint: string; clientId: string | undefined };

/** A client of the record table. The SDK, and the identity library where it is needed, are loaded only now. */
export async function openRecordTable(address: RecordTableAddress): Promise<TableClient> {
  const { TableClient } = await import('@azure/data-tables');
  // Retried a little and soon: a run must not wait for its record.
  const options = { retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 } };
  if ('connectionString' in address) {
    // http is the emulator's; an account in Azure has a connection string with https.
    return TableClient.fromConnectionString(address.connectionString, recordTableName, {
      ...options,
      allowInsecureConnection: true,
    });
  }
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const credential = address.clientId
    ? new ManagedIdentityCredential({ clientId: address.clientId })
    : new DefaultAzureCredential();
  return new TableClient(address.endpoint, recordTableName, credential, options);
}
