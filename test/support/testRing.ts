import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';
import type { RotateDeps } from '../../src/lib/keyRing/jobs/rotate.ts';
import type { KeyProtector } from '../../src/lib/keyRing/protectors/keyProtector.ts';
import { noProtector } from '../../src/lib/keyRing/protectors/none.ts';
import type { KeyRingStore } from '../../src/lib/keyRing/reading/keyRingStore.ts';
import { SealedXml } from '../../src/lib/keyRing/reading/xml.ts';
import type { KeyRingPolicy } from '../../src/lib/keyRing/rule/policy.ts';
import { FolderStore } from '../../src/lib/keyRing/stores/folder.ts';
import { day } from './ringBuilder.ts';

/** A clock that stands until it is turned, and hardly waits. */
export interface TurnableClock extends Clock {
  set(time: number | string): void;
  turn(ms: number): void;
}

export function turnableClock(start: number | string): TurnableClock {
  let now = new Date(start).getTime();
  let elapsed = 0;
  return {
    now: () => new Date(now),
    elapsed: () => elapsed,
    // Long enough for another run to finish its write.
    sleep: async (ms) => {
      elapsed += ms;
      await delay(Math.min(ms, 20));
    },
    random: () => 0,
    set: (time) => {
      now = new Date(time).getTime();
    },
    turn: (ms) => {
      now += ms;
      elapsed += ms;
    },
  };
}

export const managed: KeyRingPolicy = {
  mode: 'manage',
  lifetimeMs: 90 * day,
  leadMs: 14 * day,
  rewrapAfterMs: 7 * day,
  prune: false,
  pruneAfterMs: 365 * day,
};

const randomness = { uuid: () => randomUUID(), bytes: (count: number) => randomBytes(count) };

export interface DepsOptions {
  store: KeyRingStore;
  clock: Clock;
  protector?: KeyProtector;
  policy?: Partial<KeyRingPolicy>;
}

/** What the jobs need, with a managing policy and no protection unless it says otherwise. */
export function jobDeps({ store, clock, protector = noProtector, policy = {} }: DepsOptions): RotateDeps {
  return { store, clock, protector, policy: { ...managed, ...policy }, random: randomness, keyUse: async () => [] };
}

/** A folder for a ring, which goes with the test. */
export async function ringFolder(): Promise<{ folder: string; store: FolderStore; remove(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'key-ring-'));
  const folder = join(parent, 'keys');
  return { folder, store: new FolderStore(folder), remove: () => rm(parent, { recursive: true, force: true }) };
}

/** Puts elements into a store, as they are. */
export async function fill(store: KeyRingStore, elements: readonly string[]): Promise<void> {
  const add = elements.map((xml) => ({ name: `element-${randomUUID()}`, xml: new SealedXml(xml) }));
  await store.write(await store.read(), { add, replace: [], remove: [] });
}
