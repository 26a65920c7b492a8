import type { Clock } from '../clock.ts';
import type { UnreadableTally } from '../unreadableTally.ts';
import type { KeyCount } from './clearReport.ts';
import type { EntryRemover } from './redisNode.ts';

export interface PassOptions {
  pattern: Buffer;
  isOfCache: (key: Buffer) => boolean;
  /** The prefix of whose app a key is. */
  prefixOf: (key: Buffer) => string;
  /** Whether entries of that app are meant. */
  wanted: (prefix: string) => boolean;
  /** Takes the unreadable among the entries alone. */
  tally?: UnreadableTally | undefined;
  /** The length of the cache's prefix, in bytes. */
  prefixLength: number;
  /** False: entries are counted only. */
  remove: boolean;
  /** COUNT of each SCAN: the keys that the server looks at in one go, while others wait. */
  keysPerCall: number;
  /** The pause after a batch, as a multiple of its time. */
  pauseRatio: number;
  /** On the scale of `clock.elapsed()`. */
  deadline: number;
  clock: Clock;
  signal: AbortSignal | undefined;
  onBatch: (entries: number) => void;
}

export interface PassResult {
  /** Found, or removed. */
  entries: number;
  /** Entries found, by whose they are. */
  prefixes: Map<string, number>;
  passedOver: number;
  /** The SCAN came to its end: every key that was there all the while was looked at. */
  complete: boolean;
  /** The share of the keys that was looked at, 0 to 1, as far as it can be known. */
  share: number;
}

/**
 * Goes through the keys of one node, batch by batch, and removes or counts the entries of a cache. What each key is, is
 * asked right before it is removed; in the one round trip in between, somebody else could put another value under it.
 */
export async function passThroughEntries(remover: EntryRemover, options: PassOptions): Promise<PassResult> {
  const { clock, signal, deadline, keysPerCall } = options;
  const keysHeld = Math.max(1, await remover.keyCount());
  const result: PassResult = { entries: 0, prefixes: new Map(), passedOver: 0, complete: false, share: 0 };
  let cursor = '0';
  let lookedAt = 0;
  while (!signal?.aborted && clock.elapsed() < deadline) {
    const start = clock.elapsed();
    const step = await remover.scan(cursor, options.pattern, keysPerCall);
    // SCAN may name a key twice, in one answer too.
    const keys = [...new Map(step.keys.map((key) => [key.toString('latin1'), key])).values()].filter(options.isOfCache);
    const are = await remover.areEntries(keys);
    const entries = keys.filter((_, index) => are[index]);
    const wanted: Buffer[] = [];
    for (const key of entries) {
      const prefix = options.prefixOf(key);
      result.prefixes.set(prefix, (result.prefixes.get(prefix) ?? 0) + 1);
      if (options.wanted(prefix)) wanted.push(key);
    }
    const done = options.tally
      ? await takeUnreadable(remover, wanted, options.tally, options)
      : await take(remover, wanted, options);
    result.entries += done;
    result.passedOver += keys.length - entries.length;
    lookedAt += keysPerCall;
    if (done > 0) options.onBatch(done);
    cursor = step.cursor;
    if (cursor === '0') return { ...result, complete: true, share: 1 };
    const tookMs = clock.elapsed() - start;
    await clock.sleep(Math.min(tookMs * options.pauseRatio, Math.max(0, deadline - clock.elapsed())), signal);
  }
  return { ...result, share: Math.min(1, lookedAt / keysHeld) };
}

async function take(remover: EntryRemover, keys: readonly Buffer[], { remove }: PassOptions): Promise<number> {
  return remove ? remover.unlink(keys) : keys.length;
}

/** Each is checked once more by its form when it is removed. */
async function takeUnreadable(
  remover: EntryRemover,
  keys: readonly Buffer[],
  tally: UnreadableTally,
  { remove, prefixLength }: PassOptions,
): Promise<number> {
  const forms = await remover.forms(keys);
  const seen = keys.flatMap((bytes, index) => {
    const form = forms[index];
    return form ? [{ ...form, bytes, form, key: bytes.subarray(prefixLength).toString() }] : [];
  });
  const unreadable = await tally.judge(seen);
  tally.looked(seen);
  const removed = remove
    ? await remover.unlinkForms(unreadable.map(({ entry: { bytes, form } }) => ({ key: bytes, form })))
    : unreadable.map(() => true);
  const gone = unreadable.filter((_, index) => removed[index]);
  tally.gone(gone);
  return gone.length;
}

/** The entries of a node by a pass that only counted. */
export function countOf({ entries, complete, share }: PassResult): KeyCount {
  if (complete) return { count: entries, estimated: false };
  return { count: share > 0 ? Math.round(entries / share) : 0, estimated: true };
}
