import { MaintenanceError } from '../errors.ts';

/** Rights in the database of a cache: who gets them, and what each engine's granter does. */

export interface Grantee {
  /** Of the database user or role. */
  name: string;
  /** A GUID: on Azure SQL the client id, on PostgreSQL the object id, by which each knows a login. */
  id: string;
  /** `app`: this tool's identity, which purges. `consumer`: a web app, which reads and writes entries. */
  as: 'app' | 'consumer';
}

export interface GrantRequest {
  grantees: Grantee[];
  /** Whether the app may create the expiry index (on SQL Server: ALTER on the table). */
  index: 'manage' | 'observe';
  /** Makes the cache table, with its expiry index, where it is missing: for a database that is new. */
  createTable: boolean;
  /** A web app's user of the same name that stands for another id gives way. The app's own always does. */
  replace: boolean;
  /** Of the index that a new table gets. */
  indexName: string | undefined;
}

/** Gives rights in one database. Every step is repeatable; what is right already is left alone. */
export interface Granter {
  /** @returns what was done, or was there already, a sentence each. @throws CacheTableError, MaintenanceError */
  grant(request: GrantRequest): Promise<string[]>;
  close(): Promise<void>;
}

/** The statements that do the same where they are pasted, each with the database in which it is run. */
export type Script = { database: string; lines: string[] }[];

const tableRights = { app: 'SELECT, DELETE', consumer: 'SELECT, INSERT, UPDATE, DELETE' } as const;

/** On the table of a key ring, by the ring's mode. */
export const ringRights = { observe: 'SELECT', manage: 'SELECT, INSERT, UPDATE, DELETE' } as const;

/** Rights on the table, as both engines write them. */
export function rightsOnTable({ as }: Grantee): string {
  return tableRights[as];
}

export function nameTaken(name: string, by: string): MaintenanceError {
  return new MaintenanceError(
    'user_name_taken',
    `The database has a user ${name} already: ${by}.`,
    'Choose another name. Or, where it belonged to an identity that is gone: --replace.',
  );
}

export function tableMissing(table: string): MaintenanceError {
  return new MaintenanceError(
    'table_missing',
    `${table} is not in this database.`,
    'Correct the table of the cache (TOKEN_CACHE_TABLE, or `table` in TOKEN_CACHES), let the web app make it, or add --create-table.',
  );
}
