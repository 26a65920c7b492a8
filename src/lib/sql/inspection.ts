/**
 * What a diagnosis asks of a SQL cache beyond the jobs' port: some entries with their columns, and what the catalogue
 * knows of the table. Every function reads a bounded number of rows and writes nothing.
 */

export interface InspectedEntry {
  key: string;
  /** Bytes of the value; 0 where it has none. */
  size: number;
  /** Null where it never comes: of no date, or one that no clock reaches. */
  expiresAt: Date | null;
  slidingSeconds: number | null;
  /** The first 20 bytes of a Data Protection payload; else the value's first {@link contentBytes}. */
  content: Uint8Array;
}

/** What is read of a value that is not encrypted: whole entries, but for the largest. */
export const contentBytes = 65_536;

/** An entry as it stood at one look: whether it is the same at the next shows in the digest. */
export interface EntryState {
  key: string;
  header: Uint8Array;
  digest: string;
}

export interface SchemaColumn {
  name: string;
  /** As the engine writes it: `nvarchar(449)`, `timestamp with time zone`. */
  type: string;
  nullable: boolean;
  collation: string | null;
  /** A row cannot be inserted without it; undefined where the catalogue was not asked. */
  required?: boolean;
}

export interface SchemaIndex {
  name: string;
  columns: string[];
  primary: boolean;
}

export interface SchemaFacts {
  columns: SchemaColumn[];
  indexes: SchemaIndex[];
  /** What somebody has added to the table: triggers, foreign keys, change data capture, …; undefined where it cannot be read. */
  extras: { kind: string; name: string }[] | undefined;
  /** Keys that differ in case alone are different keys. */
  caseSensitive: boolean;
  serverVersion: string;
  /** SQL Server's; null elsewhere. */
  compatibilityLevel: number | null;
  /** The limit of the whole database; undefined where the server names none. */
  sizeLimitBytes: number | undefined;
  /** What the whole database uses; undefined where the server does not say. */
  databaseBytes: number | undefined;
  /** PostgreSQL empties such a table after a crash, and does not replicate it. */
  unlogged: boolean;
}

/** How the library's own DELETE finds the expired rows. */
type DeletePlan = { kind: 'index' | 'scan'; basis: string } | { kind: 'unknown'; reason: string };

/** How far dead rows are removed, where that is a work of its own. */
export interface Upkeep {
  deadRows: number;
  liveRows: number;
  /** Who keeps rows from being removed: the table's own setting, the server's. */
  autovacuum: 'on' | 'off for the table' | 'off on the server';
  vacuumedAt: Date | null;
  /** What may still see rows that were deleted, the oldest first. */
  holders: VacuumHolder[];
}

export interface VacuumHolder {
  kind: 'transaction' | 'prepared transaction' | 'replication slot' | 'standby';
  /** The process id, or the name. */
  name: string;
  /** Null where there is none, or it may not be seen. */
  user: string | null;
  application: string | null;
  state: string | null;
  since: Date | null;
}

export interface TableInspection {
  /** About `rows` entries of random pages. */
  sample(rows: number): Promise<InspectedEntry[]>;
  /** One read as the library makes it, without sliding the expiry. False where there is no such entry. */
  read(key: string): Promise<boolean>;
  /** Keys that begin with `prefix`, at most `limit`, by the primary key. */
  keysWithPrefix(prefix: string, limit: number): Promise<string[]>;
  /** Keys with the latest expiry: those that were written or read last. Needs the expiry index. */
  latestKeys(limit: number): Promise<string[]>;
  state(key: string): Promise<EntryState | undefined>;
  schema(): Promise<SchemaFacts>;
  deletePlan(): Promise<DeletePlan>;
  /** Undefined where the server removes deleted rows by itself. */
  upkeep(): Promise<Upkeep | undefined>;
  /** The database that the connection is in. */
  database(): Promise<string>;
}
