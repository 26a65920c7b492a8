import type { Clock } from '../../clock.ts';
import { isTransient, KeyRingError } from '../keyRingError.ts';
import { type Instant, instantOf } from '../reading/instants.ts';
import type { KeyRing } from '../reading/keyRing.ts';
import type { KeyRingStore, RingChange, StoredRing } from '../reading/keyRingStore.ts';
import { readKeyRing } from '../reading/readKeyRing.ts';
import { parseSealed, XmlFormError } from '../reading/xml.ts';
import { clockSkewMs } from '../rule/defaultKey.ts';

export interface ChangeDeps {
  store: KeyRingStore;
  clock: Clock;
  signal?: AbortSignal | undefined;
}

/** What is to be done to the ring as it was read. */
export interface Decision<D> {
  change: RingChange;
  /** Whether a ring has the change, from whatever attempt. */
  isDone: (ring: KeyRing) => boolean;
  data: D;
}

/** What a change did, and where the ring as it was before is kept; null where it only added keys. */
export interface Changed<D> {
  data: D;
  copy: string | null;
}

export interface RingReading {
  stored: StoredRing;
  ring: KeyRing;
}

const mostAttempts = 6;
const firstPauseMs = 200;

/** Reads the ring; passing failures of the store are tried again. */
export async function readRing({ store, clock, signal }: ChangeDeps): Promise<RingReading> {
  for (let attempt = 1; ; attempt++) {
    try {
      const stored = await store.read();
      return { stored, ring: readKeyRing(stored) };
    } catch (error) {
      if (!isTransient(error) || attempt >= mostAttempts || signal?.aborted) throw error;
      await clock.sleep(pauseMs(attempt), signal);
    }
  }
}

/**
 * The present, for what is written to the ring: the store's own clock where this machine's differs from it by more than
 * consumers tolerate. A key activated ahead of the apps' clocks is not a default to them yet, and they would mint one.
 */
export function ringTime(clock: Clock, { storeTime }: StoredRing): Instant {
  const own = clock.now();
  const skewed = storeTime && Math.abs(storeTime.getTime() - own.getTime()) > clockSkewMs;
  return instantOf(skewed ? storeTime : own);
}

/**
 * Changes a ring that others may change at the same moment: read, decide, write on condition that it is still the one read.
 * After a conflict or a lost answer it is read again and decided anew; a change that turns out to be there is done, and is
 * never made twice. What is to be written is first read as consumers will read it, and the ring kept as a copy where the change
 * removes or changes something, or revokes. After the write it is read again and checked. Undefined where there is nothing to do.
 * @throws KeyRingError `key_ring_damaged` where consumers cannot read the ring: decisions would rest on a part of it
 */
export async function changeRing<D>(
  deps: ChangeDeps,
  decide: (reading: RingReading) => Promise<Decision<D> | undefined>,
): Promise<Changed<D> | undefined> {
  let copy: string | null = null;
  let pending: Decision<D> | undefined;
  let lastError: unknown;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const reading = await readRing(deps);
    if (pending?.isDone(reading.ring)) return { data: pending.data, copy };
    refuseDamage(reading.ring);
    if (deps.signal?.aborted)
      throw new KeyRingError('run_aborted', 'The run was stopped before it wrote anything.', 'The next run goes on.');
    pending = await decide(reading);
    if (!pending) return undefined;
    refuseUnproven(reading, pending);
    try {
      if (needsCopy(reading.stored, pending.change)) copy = await deps.store.keepCopy(reading.stored, deps.clock.now());
      const outcome = await deps.store.write(reading.stored, pending.change);
      if (outcome === 'written') {
        const after = await readRing(deps);
        refuseDamage(after.ring, 'The write was done before the damage showed.');
        if (pending.isDone(after.ring)) return { data: pending.data, copy };
      }
      lastError = undefined;
    } catch (error) {
      if (!isTransient(error)) throw error;
      lastError = error;
    }
    await deps.clock.sleep(pauseMs(attempt), deps.signal);
  }
  // The last attempt may have been the one that got through.
  if (pending?.isDone((await readRing(deps)).ring)) return { data: pending.data, copy };
  if (lastError) throw lastError;
  throw new KeyRingError(
    'key_ring_busy',
    `Somebody else wrote to ${deps.store.description} at each of ${mostAttempts} attempts.`,
    'See who writes to the ring that often: apps should have automatic key generation off. The next run tries again.',
    true,
  );
}

function needsCopy({ elements }: StoredRing, { add, replace, remove }: RingChange): boolean {
  const revokes = add.some(({ name }) => name.startsWith('revocation-'));
  return elements.length > 0 && (revokes || replace.length + remove.length > 0);
}

/**
 * Reads the ring with the change made, as consumers will: it must have the change, and all else as it was.
 * @throws KeyRingError `key_ring_damaged`; nothing is written
 */
function refuseUnproven<D>({ stored, ring }: RingReading, { change, isDone }: Decision<D>): void {
  const { add, replace, remove } = change;
  const replaced = new Map(replace.map(({ element, xml }) => [element, xml]));
  const kept = stored.elements.flatMap((element) => {
    if (remove.includes(element)) return [];
    const xml = replaced.get(element) ?? element.xml;
    return [[element.place, xml] as const];
  });
  try {
    const elements = [...kept, ...add.map(({ name, xml }) => [name, xml] as const)].map(([place, xml]) => {
      parseSealed(xml);
      return { place, xml };
    });
    const after = readKeyRing({ ...stored, elements });
    const places = new Set(stored.elements.map(({ place }) => place));
    const untouched = (of: KeyRing) => of.keys.filter(({ element }) => places.has(element.place)).length;
    const removed = ring.keys.filter(({ element }) => remove.includes(element)).length;
    if (after.damage.length === 0 && isDone(after) && untouched(after) === ring.keys.length - removed) return;
  } catch (error) {
    if (!(error instanceof XmlFormError)) throw error;
  }
  throw new KeyRingError(
    'key_ring_damaged',
    'The ring with the change made could not be read as apps read it. Nothing was written.',
    'This is a defect of token-cache-maintenance: please report it with the run id, without the ring.',
  );
}

/** @throws KeyRingError `key_ring_damaged` */
function refuseDamage(ring: KeyRing, written = 'Nothing was written.'): void {
  if (ring.damage.length === 0) return;
  throw new KeyRingError(
    'key_ring_damaged',
    `${ring.damage.some(({ kind }) => kind !== 'notJudged') ? 'Consumers cannot read this ring' : 'What consumers make of this ring is not known'}: ${ring.damage.map(({ message }) => message).join('; ')}.`,
    `Repair it first: every app that reads it fails at its next refresh. ${written}`,
  );
}

function pauseMs(attempt: number): number {
  return Math.min(firstPauseMs * 2 ** (attempt - 1), 5_000);
}
