import { MaintenanceError } from '../errors.ts';

/** Rights in the database of a cache or of a key ring: who gets them, and what each engine's granter does. */

export interface Grantee {
  /** The name of the database user or role. */
  name: string;
  /** A GUID: on Azure SQL the client id, on PostgreSQL the object id, by which each knows a login. */
  id: string;
  /** `app`: this tool's identity. `consumer`: a web app, which reads and writes entries, or reads the ring. */
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
  /** The name of the index that a new table gets. */
  indexName: string | undefined;
  /** The table is that of a key ring, in this mode. The app that keeps its ring there makes it, and `createTable` does not. */
  ring?: RingMode;
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

type RingMode = 'observe' | 'manage';

/** On the table of a key ring, by its mode. Where this tool manages the ring, it alone writes; else the web apps make keys. */
export const ringRights = {
  app: { observe: 'SELECT', manage: 'SELECT, INSERT, UPDATE, DELETE' },
  consumer: { observe: 'SELECT, INSERT', manage: 'SELECT' },
} as const;

/** Rights on the table, as both engines write them. */
export function rightsOnTable({ as }: Grantee, ring?: RingMode): string {
  return ring ? ringRights[as][ring] : tableRights[as];
}

/** On the table where the ring is copied to before a write: whoever copies need not read what is there. */
export const copyRight = 'INSERT';

/** Whoever changes a ring copies it first. */
export function copiesRing({ as }: Grantee, ring: RingMode | undefined): boolean {
  return as === 'app' && ring === 'manage';
}

/** Whether a table for copies is needed, which this tool's own user may not make. */
export function needsCopies({ grantees, ring }: GrantRequest): boolean {
  return grantees.some((grantee) => copiesRing(grantee, ring));
}

/** What an app that only observes the ring must not keep from the time when it managed it. */
export function rightsToTake({ as }: Grantee, ring: RingMode | undefined): string | undefined {
  return as === 'app' && ring === 'observe' ? 'INSERT, UPDATE, DELETE' : undefined;
}

export function nameTaken(name: string, by: string): MaintenanceError {
  return new MaintenanceError(
    'user_name_taken',
    `The database has a user ${name} already: ${by}.`,
    'Choose another name. Or, where it belonged to an identity that is gone: --replace.',
  );
}

export function tableMissing(table: string, { ring }: GrantRequest): MaintenanceError {
  return new MaintenanceError(
    'table_missing',
    `${table} is not in this database.`,
    ring
      ? "Let the web app make it (`dotnet ef database update`), or correct the ring's store in KEY_RINGS: its database and `table`."
      : 'Correct the table of the cache (TOKEN_CACHE_TABLE, or `table` in TOKEN_CACHES), let the web app make it, or add --create-table.',
  );
}
