import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { StorageAddress } from '../azure/storage.ts';
import { type Environment, storageAddress } from './environment.ts';

/** Where records are kept. */
export type RecordStoreSettings =
  | { kind: 'none' }
  | { kind: 'file'; folder: string }
  | { kind: 'table'; address: StorageAddress };

export const recordStoreShape = {
  RECORD_STORE: z
    .string()
    .regex(/^(none|file|file:.+|table)$/, 'must be none, file, file: and a folder, or table')
    .optional(),
};

/** The record store that the settings name. `table` lies in the function app's own storage account. */
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
  const address = store === 'table' ? storageAddress('table', env) : undefined;
  return address ? { kind: 'table', address } : { kind: 'none' };
}
