import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Environment } from './cacheSettings.ts';

/** Where records are kept. */
export type RecordStoreSettings =
  | { kind: 'none' }
  | { kind: 'file'; folder: string }
  | { kind: 'table'; connectionString: string }
  /** By identity: a user-assigned one where its client id is given. */
  | { kind: 'table'; endpoint: string; clientId: string | undefined };

export const recordStoreShape = {
  RECORD_STORE: z
    .string()
    .regex(/^(none|file|file:.+|table)$/, 'must be none, file, file: and a folder, or table')
    .optional(),
};

/**
 * The record store that the settings name. `table` lies in the function app's own storage account, found by the settings
 * that the Functions host itself uses: AzureWebJobsStorage, or for identity-based connections AzureWebJobsStorage__accountName or
 * AzureWebJobsStorage__tableServiceUri.
 */
export function readRecordStore(
  chosen: string | undefined,
  env: Environment,
  byDefault: 'file' | 'table',
): RecordStoreSettings {
  const store = chosen ?? byDefault;
  if (store === 'file')
    return {
      kind: 'file',
      folder: join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'token-cache-maintenance'),
    };
  if (store.startsWith('file:')) return { kind: 'file', folder: store.slice('file:'.length) };
  return (store === 'table' && tableOf(env)) || { kind: 'none' };
}

function tableOf(env: Environment): RecordStoreSettings | undefined {
  const connectionString = env.AzureWebJobsStorage;
  if (connectionString) return { kind: 'table', connectionString };
  const account = env.AzureWebJobsStorage__accountName;
  const endpoint = env.AzureWebJobsStorage__tableServiceUri || (account && `https://${account}.table.core.windows.net`);
  return endpoint ? { kind: 'table', endpoint, clientId: env.AzureWebJobsStorage__clientId || undefined } : undefined;
}
