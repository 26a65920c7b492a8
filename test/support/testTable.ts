import type { CacheTable } from '../../src/lib/sql/cacheTable.ts';

/** An entry that a test puts into a table. */
interface TestEntry {
  id: string;
  /** The expiry's distance from the database's now, in ms; negative: expired. */
  expiresInMs: number;
  /** Bytes of the value; 100 if left out. */
  size?: number;
  /** The value itself, in place of one of that size. */
  value?: Buffer;
}

/** A cache table as the conformance suites need it, beside the port: made, filled, locked and looked at by the test itself. */
export interface TestTable {
  /** A new instance of the adapter, as another process would open it. The suite closes it. */
  open(login?: { user: string; password: string }): CacheTable;
  /** Inserts entries whose expiries are all counted from one and the same now. */
  insert(entries: TestEntry[]): Promise<void>;
  ids(): Promise<string[]>;
  /** Sets the expiry of an entry, as a sign-in that slides or revives it does; false where it is not there. */
  setExpiry(id: string, expiresInMs: number): Promise<boolean>;
  /** Writes another value under a key, as a new sign-in does. */
  setValue(id: string, value: Buffer): Promise<void>;
  /** Holds these entries locked, as an app's open transaction does, until the returned function is called. */
  lock(ids: string[]): Promise<() => Promise<void>>;
  createIndex(name: string, columns: string[]): Promise<void>;
  indexNames(): Promise<string[]>;
}

/** What a server that only speaks like SQL Server cannot do. */
type Lack = 'READPAST' | 'application locks' | 'error numbers';

export interface TestEngine {
  name: string;
  /** The smallest difference of two expiries that the engine tells apart, in ms. */
  resolutionMs: number;
  lacks?: readonly Lack[];
  /** A name that must be delimited, as it would stand in TOKEN_CACHE_TABLE. */
  hostileName: string;
  ordinaryName: string;
  /** A table of the given name in place of any earlier one, without the expiry index. */
  create(name: string, options?: { columns?: 'all' | 'withoutExpiry' }): Promise<TestTable>;
  drop(name: string): Promise<void>;
}
