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

/** What a change did. */
export interface Changed<D> {
  data: D;
  /** Where the ring as it was before is kept; null where it only added keys. */
  copy: string | null;
  /** The ring with the change: as it was read again, or until then as it was written. */
  reading: RingReading;
}

export interface RingReading {
  stored: StoredRing;
  ring: KeyRing;
}

/** Told what a job has written, for the report of one that fails after that. */
export type SoFar<R> = (report: R, reading: RingReading) => void;

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
 * @param onWritten told of a write that is done: before the ring is read again, and after
 * @throws KeyRingError `key_ring_damaged` where consumers cannot read the ring: decisions would rest on a part of it. Where it
 * cannot be read after a write, the error says so
 */
export async function changeRing<D>(
  deps: ChangeDeps,
  decide: (reading: RingReading) => Promise<Decision<D> | undefined>,
  onWritten?: (changed: Changed<D>) => void,
): Promise<Changed<D> | undefined> {
  let copy: string | null = null;
  let pending: Decision<D> | undefined;
  let write: Write = 'conflict';
  let lastError: unknown;
  for (let attempt = 1; ; attempt++) {
    const reading = await readRing(deps).catch((error) => {
      throw afterWrite(error, write);
    });
    const done = pending?.isDone(reading.ring) ? { data: pending.data, copy, reading } : undefined;
    if (done) onWritten?.(done);
    refuseDamage(
      reading.ring,
      done || write === 'written' ? 'The write was done before the damage showed.' : undefined,
    );
    if (done) return done;
    if (attempt > mostAttempts) break;
    if (deps.signal?.aborted)
      throw new KeyRingError('run_aborted', 'The run was stopped before it wrote anything.', 'The next run goes on.');
    pending = await decide(reading);
    if (!pending) return undefined;
    const { change, data } = pending;
    const written = proven(reading, pending);
    write = 'conflict';
    lastError = undefined;
    try {
      if (needsCopy(reading.stored, change)) copy = await deps.store.keepCopy(reading.stored, deps.clock.now());
      write = 'unknown';
      write = await deps.store.write(reading.stored, change);
    } catch (error) {
      lastError = error;
    }
    if (write === 'written') onWritten?.({ data, copy, reading: written });
    // Not tried again; the ring is read, since it may have been written all the same.
    else if (lastError && !isTransient(lastError)) attempt = mostAttempts;
    else await deps.clock.sleep(pauseMs(attempt), deps.signal);
  }
  if (lastError) throw lastError;
  throw new KeyRingError(
    'key_ring_busy',
    `Somebody else wrote to ${deps.store.description} at each of ${mostAttempts} attempts.`,
    'See who writes to the ring that often: apps should have automatic key generation off. The next run tries again.',
    true,
  );
}

/** What is known of the last try to write: `unknown` where its answer got lost. */
type Write = 'written' | 'conflict' | 'unknown';

/** An error of the reading after a write: to do the same again would be wrong where the write was done. */
function afterWrite(error: unknown, write: Write): unknown {
  if (write === 'conflict' || !(error instanceof KeyRingError)) return error;
  const what =
    write === 'written'
      ? 'The change was written, but the ring could not be read again.'
      : 'The change may have been written: the answer to the write was lost.';
  return new KeyRingError(
    error.code,
    `${what} ${error.message}`,
    'Look at the ring with `key-ring status` before you try again. Where the store is still silent, see to it and to the network first.',
    error.transient,
  );
}

function needsCopy({ elements }: StoredRing, { add, replace, remove }: RingChange): boolean {
  const revokes = add.some(({ name }) => name.startsWith('revocation-'));
  return elements.length > 0 && (revokes || replace.length + remove.length > 0);
}

/**
 * The ring with the change made, as consumers will read it: it must have the change, and all else as it was.
 * @throws KeyRingError `key_ring_damaged`; nothing is written
 */
function proven<D>({ stored, ring }: RingReading, { change, isDone }: Decision<D>): RingReading {
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
    const changed = { ...stored, exists: true, elements };
    const after = readKeyRing(changed);
    const places = new Set(stored.elements.map(({ place }) => place));
    const untouched = (of: KeyRing) => of.keys.filter(({ element }) => places.has(element.place)).length;
    const removed = ring.keys.filter(({ element }) => remove.includes(element)).length;
    if (after.damage.length === 0 && isDone(after) && untouched(after) === ring.keys.length - removed)
      return { stored: changed, ring: after };
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
