import type { Clock } from '../../clock.ts';
import { globOf, keyTest } from '../../redis/entryKeys.ts';
import { findPrimaries } from '../../redis/primaries.ts';
import type { Endpoint } from '../../redis/redisConnection.ts';
import type { Connect, EntryReader, Open } from '../../redis/redisNode.ts';
import { watched } from '../../redis/watchdog.ts';
import { type KeyUse, tally } from './cachedEntries.ts';

export interface RedisEntriesOptions {
  cache: string;
  endpoints: readonly Endpoint[];
  connect: Connect;
  open: Open<EntryReader>;
  /** The prefix of the cache's keys; empty where it has none. */
  instanceName: string;
  /** Keys of rings that may lie beside the cache. */
  ringKeys: readonly string[];
  timeoutMs: number;
  clock: Clock;
  limits?: EntryLimits;
}

/** The ports of one node. Redis has no command for a part of a field, so an entry is read whole for its first 20 bytes. */
export interface EntryLimits {
  timeMs: number;
  /** Limit of all entries read; beyond it the rest is told from the sample. */
  bytes: number;
  /** A larger entry is passed over: the server would send all of it. */
  entryBytes: number;
  keysPerCall: number;
}

const defaultLimits: EntryLimits = { timeMs: 20_000, bytes: 64 * 2 ** 20, entryBytes: 256 * 2 ** 10, keysPerCall: 100 };
const headerBytes = 20;

/** What one node's entries say. */
interface NodeUse {
  headers: Buffer[];
  /** Entries that were found and not read. */
  unread: number;
  complete: boolean;
  /** The share of the keys held that was looked at. */
  share: number;
  /** The longest time to live seen, in ms; 0 for none. */
  longestMs: number;
}

/**
 * The entries of a Redis cache, by the key that each names: on every primary, by SCAN, as far as the limits go. The keys of a
 * hash table come in no order that an entry has anything to do with, so what is seen first is a fair sample.
 */
export async function redisKeyUse(options: RedisEntriesOptions): Promise<KeyUse> {
  const { cache, endpoints, connect, clock, timeoutMs } = options;
  const primaries = await findPrimaries(endpoints, connect, clock, timeoutMs, undefined);
  const nodes = await Promise.all(primaries.endpoints.map((endpoint) => readNode(endpoint, options)));
  const weighted = nodes.flatMap((node) => node.headers.map((header) => ({ header, entries: weightOf(node) })));
  const longestMs = Math.max(0, ...nodes.map((node) => node.longestMs));
  return {
    cache,
    entries: tally(weighted),
    unread: nodes.reduce((sum, { unread }) => sum + unread, 0),
    complete: nodes.every(({ complete, unread }) => complete && unread === 0),
    longestLivedUntil: longestMs > 0 ? new Date(clock.now().getTime() + longestMs) : undefined,
  };
}

function readNode(endpoint: Endpoint, options: RedisEntriesOptions): Promise<NodeUse> {
  return watched(options.open, endpoint, options.timeoutMs, (reader) => readEntries(reader, options));
}

async function readEntries(
  reader: EntryReader,
  { clock, instanceName, ringKeys, limits = defaultLimits }: RedisEntriesOptions,
): Promise<NodeUse> {
  const prefix = Buffer.from(instanceName);
  const isOfCache = keyTest(prefix, ringKeys);
  const until = clock.elapsed() + limits.timeMs;
  const held = Math.max(1, await reader.keyCount());
  const use: NodeUse = { headers: [], unread: 0, complete: false, share: 0, longestMs: 0 };
  const seen = new Set<string>();
  let cursor = '0';
  let [bytes, lookedAt] = [0, 0];
  do {
    const step = await reader.scan(cursor, globOf(prefix), limits.keysPerCall);
    // SCAN may name a key twice.
    const keys = step.keys.filter((key) => isOfCache(key) && !seen.has(key.toString('latin1')));
    for (const key of keys) seen.add(key.toString('latin1'));
    const sizes = await reader.sizes(keys);
    const entries = keys.filter((_, index) => (sizes[index] ?? 0) > 0);
    const read = keys.filter((_, index) => inRange(sizes[index] ?? 0, limits.entryBytes));
    use.unread += entries.length - read.length;
    bytes += sizes.reduce((sum, size) => sum + (inRange(size, limits.entryBytes) ? size : 0), 0);
    const values = await reader.read(read);
    // Copied: a view would keep the whole entry in memory.
    for (const value of values) {
      if (!value) continue;
      use.headers.push(Buffer.from(value.data.subarray(0, headerBytes)));
      const lifeMs = (value.absoluteExpiration?.getTime() ?? 0) - clock.now().getTime();
      use.longestMs = Math.max(use.longestMs, lifeMs);
    }
    const times = await reader.timesToLive(entries);
    use.longestMs = times.reduce((most, time) => Math.max(most, time), use.longestMs);
    lookedAt += limits.keysPerCall;
    cursor = step.cursor;
  } while (cursor !== '0' && bytes < limits.bytes && clock.elapsed() < until);
  use.complete = cursor === '0';
  use.share = use.complete ? 1 : Math.min(1, lookedAt / held);
  return use;
}

function inRange(size: number, most: number): boolean {
  return size > 0 && size <= most;
}

/** How many entries of its node each one that was read stands for. */
function weightOf({ share }: NodeUse): number {
  return 1 / share;
}
