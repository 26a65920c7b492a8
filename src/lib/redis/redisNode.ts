import type { EntryForm } from '../entryForm.ts';
import type { Endpoint } from './redisConnection.ts';
import type { SentinelView } from './sentinel.ts';

/**
 * The port to one node of a Redis: a connection of its own, on the cache's database. Nothing here writes. Each function
 * rejects with an `UnreachableError` where the node cannot be spoken to any more, and with a `RefusedError` where it
 * refuses this command alone.
 */
export interface RedisNode {
  /** `host:port`. */
  readonly name: string;
  /** The answer to INFO, or to that of one section. */
  info(section?: string): Promise<string>;
  /** Values of CONFIG GET; managed services refuse it. */
  config(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** In an OSS cluster: the node that holds each range of slots, and how many slots no node holds. */
  clusterPrimaries(): Promise<{ primaries: Endpoint[]; slotsUncovered: number }>;
  ping(): Promise<void>;
  /** What a Sentinel knows of its primary; undefined where the node is none. */
  sentinel(): Promise<SentinelView | undefined>;
  readonly keys: KeyReader;
  /**
   * The entries under some keys, for a diagnosis: the only function here that reads values. Undefined in the place of a key
   * that is gone, or holds no hash.
   */
  entries(keys: readonly string[]): Promise<(RedisEntry | undefined)[]>;
  /** Ends the connection at once. */
  close(): void;
}

/** An entry as Microsoft.Extensions.Caching.StackExchangeRedis keeps it (RedisCache.cs). */
export interface RedisEntry {
  /** .NET ticks, `-1` for none; undefined where the hash has no such field. */
  absexp: string | undefined;
  sldexp: string | undefined;
  data: Uint8Array | undefined;
}

/** Looks at keys, never at values. Keys name users: they go no further than the sample that counts them. */
export interface KeyReader {
  scan(cursor: string, count: number): Promise<{ cursor: string; keys: string[] }>;
  /** Milliseconds until each key expires; -1 where it has no expiry, -2 where it is gone. */
  timesToLive(keys: readonly string[]): Promise<number[]>;
  /** `list`, `hash`, …; `none` where there is no such key, or another node holds it. */
  type(key: string): Promise<string>;
}

/**
 * The ports to the entries of a Redis cache on one node, each with a connection of its own: to read a little of them, and
 * to remove them. Keys are bytes: a name that is not UTF-8 must come back as it is. Every function rejects with an
 * `UnreachableError` where the node cannot be spoken to any more, and with a `RefusedError` where it refuses the command.
 */
interface EntryScanner {
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
  /** The form of each entry; undefined where there is none at this moment. */
  forms(keys: readonly Buffer[]): Promise<(EntryForm | undefined)[]>;
  /** Removes each key whose entry still has the form, in one step of the server; says of each whether it is gone. */
  unlinkForms(entries: readonly { key: Buffer; form: EntryForm }[]): Promise<boolean[]>;
  /** Removes the keys, their memory beside the commands of others (UNLINK); says how many there were. */
  unlink(keys: readonly Buffer[]): Promise<number>;
}

export interface StoredEntry {
  data: Uint8Array;
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
export type Open<Node> = (endpoint: Endpoint, signal: AbortSignal) => Promise<Node>;
export type Connect = Open<RedisNode>;
