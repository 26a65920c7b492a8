import type { CachedEntries } from './cachedEntries.ts';
import { changeRing, type RingReading, readRing } from './changeRing.ts';
import { defaultKey } from './defaultKey.ts';
import { instantOf } from './instants.ts';
import { KeyRingError } from './keyRingError.ts';
import { type MadeKey, makeKey, type Randomness } from './newKey.ts';
import { type PruneReport, pruneKeyRing } from './prune.ts';
import { type RewrapReport, rewrapIsDue, rewrapKeyRing } from './rewrap.ts';
import { type RingDeps, type RingStatus, statusOf } from './ringStatus.ts';
import { type ViewedKey, viewKeys } from './ringView.ts';
import { type PlannedKey, planRotation, type RotationReason } from './rotationPlan.ts';

export interface PublishedKey {
  /** Null in a dry run. */
  id: string | null;
  reason: RotationReason;
  activation: string;
  expiration: string;
}

/**
 * - `nothingToDo`: the normal answer · `published`: new keys are in the ring · `wouldPublish`: a dry run, or a ring in mode
 *   observe, that needs keys
 */
export type RotateOutcome = 'nothingToDo' | 'published' | 'wouldPublish';

export interface RotateReport {
  outcome: RotateOutcome;
  dryRun: boolean;
  keys: PublishedKey[];
  /** When the next run has something to do. */
  nextActionAt: string;
  /** What else this run did, where the settings want it. */
  rewrap: RewrapReport | null;
  prune: PruneReport | null;
  /** The ring as this run left it. */
  status: RingStatus;
}

export interface RotateDeps extends RingDeps {
  random: Randomness;
  /** The caches whose entries the ring protects. */
  entries: CachedEntries;
}

/** Sees to it that the ring's consumers always have a default key that each of them has read before. */
export async function rotateKeyRing(deps: RotateDeps, request: { dryRun?: boolean } = {}): Promise<RotateReport> {
  const dryRun = request.dryRun ?? false;
  const writes = deps.policy.mode === 'manage' && !dryRun;
  const published = writes ? await publishDueKeys(deps) : [];
  const rewrap = writes && (await rewrapIsDue(deps)) ? await rewrapKeyRing(deps, {}) : null;
  const prune = writes && deps.policy.prune ? await pruneKeyRing(deps, {}) : null;

  const reading = await readRing(deps);
  const keys = await viewKeys(reading.ring, deps.protector);
  const status = await statusOf(deps, reading, keys);
  const plan = planRotation(keys, deps.policy, instantOf(deps.clock.now()));
  const wanted = writes ? published : plan.keys.map((key) => describe(key, null));
  return {
    outcome: wanted.length === 0 ? 'nothingToDo' : writes ? 'published' : 'wouldPublish',
    dryRun,
    keys: wanted,
    nextActionAt: status.nextActionAt,
    rewrap,
    prune,
    status,
  };
}

async function publishDueKeys(deps: RotateDeps): Promise<PublishedKey[]> {
  const now = instantOf(deps.clock.now());
  // The same key at every attempt: one whose answer got lost is known again by its id, and not joined by another.
  const made = new Map<string, MadeKey>();
  const decide = async ({ ring }: RingReading) => {
    const viewed = await viewKeys(ring, deps.protector);
    const plan = planRotation(viewed, deps.policy, now);
    if (plan.keys.length === 0) return undefined;
    refuseOtherProtection(viewed);
    const published: PublishedKey[] = [];
    const add: MadeKey[] = [];
    for (const planned of plan.keys) {
      const slot = planned.activation.toString();
      const key = made.get(slot) ?? (await makeKey(ring, deps.protector, deps.random, planned));
      made.set(slot, key);
      add.push(key);
      published.push(describe(planned, key.id));
    }
    return {
      change: { add, replace: [], remove: [] },
      isDone: (after: RingReading['ring']) => add.every(({ id }) => after.keys.some((key) => key.id === id)),
      data: published,
    };
  };
  return (await changeRing(deps, decide)) ?? [];

  /** A key that the apps cannot decrypt would leave them without a default on the day of its activation. */
  function refuseOtherProtection(keys: readonly ViewedKey[]): void {
    const current = defaultKey(keys, now) ?? keys.at(-1);
    if (current?.unwraps !== 'unknown') return;
    const { message, advice, transient, code } = current.unwrapProblem ?? {
      message: '',
      advice: '',
      transient: false,
      code: 'key_protected_otherwise',
    };
    throw new KeyRingError(
      code,
      `No key was published, since the ring's present key ${current.id} could not be tried: ${message}`,
      advice,
      transient,
    );
  }
}

function describe({ reason, activation, expiration }: PlannedKey, id: string | null): PublishedKey {
  return { id, reason, activation: activation.toString(), expiration: expiration.toString() };
}
