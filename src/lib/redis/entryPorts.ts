import type { Endpoint } from './redisConnection.ts';

/**
 * The ports to the entries of a Redis cache on one node, each with a connection of its own: to read a little of them, and
 * to remove them. Keys are bytes: a name that is no UTF-8 must come back as it is. Every function rejects with an
 * `UnreachableError` where the node cannot be spoken to any more, and with a `RefusedError` where it refuses the command.
 */
export interface EntryScanner {
  /** `host:port`. */
  readonly name: string;
  /** Keys of the database now, whosever they are. */
  keyCount(): Promise<number>;
  /** One step of a SCAN by a glob; cursor `0` begins and ends it. */
  scan(cursor: string, pattern: Buffer, count: number): Promise<{ cursor: string; keys: Buffer[] }>;
  /** Ends the connection at once. */
  close(): void;
}

export interface EntryRemover extends EntryScanner {
  /** Whether each key is, at this moment, a hash with a field `data`. */
  areEntries(keys: readonly Buffer[]): Promise<boolean[]>;
  /** Removes the keys, their memory beside the commands of others (UNLINK); says how many there were. */
  unlink(keys: readonly Buffer[]): Promise<number>;
}

export interface StoredEntry {
  data: Buffer;
  /** To which a sliding entry may live on; undefined where it has none, or one that never comes. */
  absoluteExpiration: Date | undefined;
}

export interface EntryReader extends EntryScanner {
  /** Bytes of each entry's `data`; 0 where there is none. */
  sizes(keys: readonly Buffer[]): Promise<number[]>;
  /** Each entry; undefined where it is gone. Redis has no command for a part of a field. */
  read(keys: readonly Buffer[]): Promise<(StoredEntry | undefined)[]>;
  /** Milliseconds until each key expires; negative where it has no expiry or is gone. */
  timesToLive(keys: readonly Buffer[]): Promise<number[]>;
}

/** Opens a connection to a node; `signal` ends it, and all that waits for it, at any time. */
export type OpenRemover = (endpoint: Endpoint, signal: AbortSignal) => Promise<EntryRemover>;
export type OpenReader = (endpoint: Endpoint, signal: AbortSignal) => Promise<EntryReader>;
