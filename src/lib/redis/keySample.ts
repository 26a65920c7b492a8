import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { keyKind, kindOfKey, mixedPrefix } from './keyGroups.ts';
import type { KeyReader } from './redisNode.ts';
import { RefusedError } from './unreachable.ts';

export interface SampleLimits {
  /** SCAN calls at most; none for no sample. */
  calls: number;
  /** COUNT of each. */
  keysPerCall: number;
  timeMs: number;
}

const keyGroup = keyKind.extend({ keys: z.int(), withoutTtl: z.int() });
type KeyGroup = z.infer<typeof keyGroup>;

/** What a report tells of a sample. */
export const toldSample = z.object({
  keys: z.int(),
  complete: z.boolean().meta({ description: 'Every key of the database was seen.' }),
  userShare: z
    .number()
    .nullable()
    .meta({ description: "Of the keys seen, those of a user's tokens: 0 to 1; null where none was seen." }),
  groups: z.array(keyGroup),
});

export interface KeySample extends z.infer<typeof toldSample> {
  /** Look-ups that the sample itself added to the server's statistics. */
  lookups: number;
}

export interface SampleContext {
  instanceName: string;
  keyRingKey: string;
  limits: SampleLimits;
  clock: Clock;
  /** From 0 to below 1. */
  random: () => number;
}

/**
 * Looks at some keys of a database, and at their expiry, within bounds of calls and time. A cursor of SCAN is a place in
 * the hash table, and any may be the first ("Cursor validity", SCAN): places spread over the whole table give
 * a fair sample, where the first thousand keys need not.
 * @param keysHeld null where it is not known, or a cursor is something else
 */
export async function sampleKeys(
  reader: KeyReader,
  keysHeld: number | null,
  context: SampleContext,
): Promise<KeySample> {
  const { limits, clock } = context;
  const until = clock.elapsed() + limits.timeMs;
  // A hash table has a power of two of buckets, at least as many as keys (dict.c).
  const tableSize = 2 ** Math.ceil(Math.log2(Math.max(4, keysHeld ?? 0)));
  let sequential = keysHeld === null || tableSize <= limits.calls * limits.keysPerCall;
  const places = sequential ? ['0'] : spreadCursors(tableSize, limits.calls, context.random);
  const seen = new Set<string>();
  let calls = 0;
  let cursor = places[0] ?? '0';
  let complete = false;
  const seenKeys: KeyGroup[] = [];
  let lookups = 0;
  while (calls < limits.calls && clock.elapsed() < until && !complete) {
    calls += 1;
    const answer = await scan(reader, cursor, limits.keysPerCall, sequential);
    // Some services hand out cursors of their own, and take or know no others.
    if (!answer || (!sequential && calls === strangeCalls && seen.size === 0 && answer.keys.length === 0)) {
      sequential = true;
      cursor = '0';
      continue;
    }
    // SCAN may name a key twice, and returns a bucket whole, however many keys it holds.
    const fresh = [...new Set(answer.keys)].filter((key) => !seen.has(key)).slice(0, 4 * limits.keysPerCall);
    for (const key of fresh) seen.add(key);
    const times = fresh.length > 0 ? await reader.timesToLive(fresh) : [];
    lookups += fresh.length;
    fresh.forEach((key, index) => {
      const withoutTtl = times[index] === -1 ? 1 : 0;
      const kind = kindOfKey(key, context.instanceName, context.keyRingKey);
      if (times[index] !== -2) seenKeys.push({ ...kind, keys: 1, withoutTtl });
    });
    complete = sequential && answer.cursor === '0';
    cursor = sequential ? answer.cursor : (places[calls] ?? '0');
  }
  return { ...summary(grouped(seenKeys), context.instanceName), complete, lookups };
}

/** Calls at places of our choice that may find nothing before they are given up. */
const strangeCalls = 3;

/** Undefined where a cursor of our own is refused. */
async function scan(reader: KeyReader, cursor: string, count: number, sequential: boolean) {
  try {
    return await reader.scan(cursor, count);
  } catch (error) {
    if (sequential || !(error instanceof RefusedError)) throw error;
    return undefined;
  }
}

/** One place at random in each of as many equal parts of the table as there are calls. */
function spreadCursors(tableSize: number, calls: number, random: () => number): string[] {
  return Array.from({ length: calls }, (_, part) => String(Math.floor(((part + random()) / calls) * tableSize)));
}

/** One group for each kind and prefix. */
function grouped(groups: readonly KeyGroup[]): KeyGroup[] {
  return [...Map.groupBy(groups, ({ kind, prefix }) => `${kind}|${prefix}`).values()].flatMap(([first, ...others]) =>
    first ? others.reduce(together, first) : [],
  );
}

const together = (sum: KeyGroup, { keys, withoutTtl }: KeyGroup): KeyGroup => ({
  ...sum,
  keys: sum.keys + keys,
  withoutTtl: sum.withoutTtl + withoutTtl,
});

/** A prefix that one key alone has may be that key's own name: it is not told. */
function summary(all: KeyGroup[], instanceName: string): Pick<KeySample, 'keys' | 'userShare' | 'groups'> {
  const isLone = ({ keys, kind, prefix }: KeyGroup) =>
    keys === 1 && kind !== 'key ring' && !['', instanceName].includes(prefix);
  const told = grouped(all.map((group) => (isLone(group) ? { ...group, prefix: mixedPrefix } : group)));
  const keys = all.reduce((sum, group) => sum + group.keys, 0);
  const users = all.reduce((sum, group) => sum + (group.kind === 'user tokens' ? group.keys : 0), 0);
  const groups = told.sort((a, b) => b.withoutTtl - a.withoutTtl || b.keys - a.keys).slice(0, 10);
  return { keys, userShare: keys === 0 ? null : users / keys, groups };
}
