import { Temporal } from 'temporal-polyfill';
import { type ConsumerVersion, consumerVersions } from '../reading/consumerVersions.ts';
import { type Instant, isBefore, isUpTo, plusMs } from '../reading/instants.ts';
import type { Damage } from '../reading/keyRing.ts';
import { clockSkewMs, defaultKey, fallbackKey, propagationMs, type RuleKey, refreshMs } from './defaultKey.ts';

/** What an app of one version does when it reads the ring. */
export interface ConsumerUse {
  /** The key that it protects with; with automatic generation, the default before it mints. */
  key: string | undefined;
  /** It adds a key of its own. */
  mints: boolean;
  /** It throws: nothing is protected, and nobody signs in. */
  stops: boolean;
}

/** Version 8 adds the skew to an expiry: beyond this one it leaves the range of a DateTimeOffset, and throws. */
const lastOfVersion8 = Temporal.Instant.from('9999-12-31T23:54:59.9999999Z');

/** What an app does with the keys of a ring that it can read at all. */
export function useOf(
  keys: readonly RuleKey[],
  now: Instant,
  version: ConsumerVersion,
  automaticGeneration: boolean,
): ConsumerUse {
  const current = defaultKey(keys, now);
  if (current && version === 8 && isBefore(lastOfVersion8, current.expiration))
    return { key: undefined, mints: false, stops: true };
  if (automaticGeneration) return { key: current?.id, mints: mintsAt(keys, now, version), stops: false };
  const key = current ?? fallbackKey(keys, now, version);
  return { key: key?.id, mints: false, stops: key === undefined };
}

/** Whether an app of that version, with automatic generation, adds a key when it reads the ring. */
function mintsAt(keys: readonly RuleKey[], now: Instant, version: ConsumerVersion): boolean {
  const current = defaultKey(keys, now);
  if (!current) return true;
  const least = plusMs(now, refreshMs + propagationMs);
  if (version === 8) {
    return !keys.some(
      (key) =>
        isUpTo(key.activation, plusMs(current.expiration, clockSkewMs)) &&
        isBefore(plusMs(now, propagationMs), key.expiration) &&
        !key.revoked,
    );
  }
  if (isUpTo(least, current.expiration)) return false;
  const next = defaultKey(keys, current.expiration);
  return !next || isBefore(next.expiration, least);
}

/** Whether an app of any version, with automatic generation, adds a key. */
export function wouldMint(keys: readonly RuleKey[], now: Instant): boolean {
  return consumerVersions.some((version) => mintsAt(keys, now, version));
}

/** A run follows within a day, and apps refresh within another. */
const nextRunMs = 2 * refreshMs;

/** A key whose readability is not known: apps may read it, or not. */
interface MaybeReadable extends RuleKey {
  unwraps: 'yes' | 'no' | 'unknown';
}

/** What every kind of app does at each moment until the next run at which that may change. */
function* usesUntilNextRun(keys: readonly MaybeReadable[], moments: readonly Instant[]): Iterable<string | undefined> {
  for (const isUnknownReadable of [true, false]) {
    const ruled = keys.map((key) => ({
      ...key,
      readable: key.unwraps === 'yes' || (key.unwraps === 'unknown' && isUnknownReadable),
    }));
    for (const now of moments)
      for (const version of consumerVersions)
        for (const generation of [true, false]) yield useOf(ruled, now, version, generation).key;
  }
}

function momentsUntilNextRun(keys: readonly RuleKey[], now: Instant): Instant[] {
  const end = plusMs(now, nextRunMs);
  const changes = keys.flatMap(({ creation, activation, expiration }) => [
    plusMs(activation, -clockSkewMs),
    expiration,
    plusMs(creation, propagationMs),
  ]);
  return [now, ...changes.filter((instant) => isBefore(now, instant) && isBefore(instant, end)), end];
}

/** Ids of the keys that some app protects with, now or until the next run. */
export function usedUntilNextRun(keys: readonly MaybeReadable[], now: Instant): Set<string> {
  return new Set([...usesUntilNextRun(keys, momentsUntilNextRun(keys, now))].flatMap((id) => id ?? []));
}

/** Whether some app would do otherwise with the keys that are left. */
export function changesUse(keys: readonly MaybeReadable[], left: readonly MaybeReadable[], now: Instant): boolean {
  const moments = momentsUntilNextRun(keys, now);
  const [before, after] = [keys, left].map((ring) => [...usesUntilNextRun(ring, moments)].join());
  return before !== after;
}

/** What apps do, in words, the versions that do the same together. */
export function verdicts(
  keys: readonly RuleKey[],
  damage: readonly Damage[],
  now: Instant,
): { versions: ConsumerVersion[]; what: string }[] {
  const groups = Map.groupBy(consumerVersions, (version) => {
    const isThrown = damage.some(({ kind, since }) => kind !== 'notJudged' && version >= since);
    const uses = [true, false].map((generation) => useOf(keys, now, version, generation));
    return isThrown ? 'stop' : wordsOf(uses);
  });
  return [...groups].map(([what, versions]) => ({ versions, what }));
}

function wordsOf([generating, reading]: readonly ConsumerUse[]): string {
  if (!generating || !reading) return '';
  if (generating.stops && reading.stops) return 'stop';
  const minting = generating.mints ? 'mint a key' : `use ${generating.key}`;
  const other = reading.stops ? 'stop' : `use ${reading.key}`;
  return minting === other ? minting : `${minting}, and without automatic generation ${other}`;
}
