import { homedir } from 'node:os';
import { join } from 'node:path';
import type { StorageAddress } from '../azure/storage.ts';
import type { Environment } from './environment.ts';
import { told } from './fields.ts';

/** Where records are kept. */
export type RecordStoreSettings =
  | { kind: 'none' }
  | { kind: 'file'; folder: string }
  | { kind: 'table'; address: StorageAddress }
  /** What names it cannot be used: runs go on, and say what they could not keep. */
  | { kind: 'wrong' };

export const recordStoreShape = {
  RECORD_STORE: told()
    .regex(/^(none|file|file:.+|table)$/, 'must be none, file, file: and a folder, or table')
    .optional()
    .meta({
      description:
        "Where run records, the position of a walk along the primary key, timers' starts and the last readings of the watch are kept. `table`: the table `tokencachemaintenance` in the function app's storage account, by the host's own settings (`AzureWebJobsStorage`, or `AzureWebJobsStorage__accountName` or `AzureWebJobsStorage__tableServiceUri` with the identity of `AzureWebJobsStorage__clientId`); where there are none, nothing is kept. `file`: in `$XDG_STATE_HOME/token-cache-maintenance`, by default under `~/.local/state`. `file:` and a folder. `none`.",
    }),
};

/** The record store that the settings name. `table` lies in the function app's own storage account. */
export function readRecordStore(
  chosen: string | undefined,
  env: Environment,
  byDefault: 'file' | 'table',
  tables: StorageAddress | 'wrong' | undefined,
): RecordStoreSettings {
  const store = chosen ?? byDefault;
  if (store === 'file')
    return {
      kind: 'file',
      folder: join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'token-cache-maintenance'),
    };
  if (store.startsWith('file:')) return { kind: 'file', folder: store.slice('file:'.length) };
  if (store !== 'table' || !tables) return { kind: 'none' };
  return tables === 'wrong' ? { kind: 'wrong' } : { kind: 'table', address: tables };
}
