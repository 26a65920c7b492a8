import type { Endpoint } from './redisConnection.ts';

/**
 * The port to one node of a Redis: a connection of its own, on the cache's database. Nothing here writes. Each function
 * rejects with an `UnreachableError` where the node cannot be spoken to any more, and with a `RefusedError` where it
 * refuses this command alone.
 */
export interface RedisNode {
  /** `host:port`. */
  readonly name: string;
  /** The answer to INFO. */
  info(): Promise<string>;
  /** Values of CONFIG GET; managed services refuse it. */
  config(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Of an OSS cluster: the node that holds each range of slots, and how many slots no node holds. */
  clusterPrimaries(): Promise<{ primaries: Endpoint[]; slotsUncovered: number }>;
  ping(): Promise<void>;
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

/** Opens a connection to a node; `signal` ends it, and all that waits for it, at any time. */
export type Connect = (endpoint: Endpoint, signal: AbortSignal) => Promise<RedisNode>;
