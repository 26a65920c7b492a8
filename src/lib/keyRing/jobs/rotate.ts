import { z } from 'zod';
import { MaintenanceError } from '../../errors.ts';
import type { KeyUse } from '../entries/cachedEntries.ts';
import { KeyRingError } from '../keyRingError.ts';
import type { Instant } from '../reading/instants.ts';
import type { RingFinding } from '../rule/findings.ts';
import { viewKeys } from '../rule/ringView.ts';
import { type PlannedKey, planRotation, rotationReason } from '../rule/rotationPlan.ts';
import { type Changed, changeRing, type RingReading, readRing, ringTime } from './changeRing.ts';
import { creationOfNew, type MadeKey, makeKey, type Randomness } from './newKey.ts';
import { type PruneReport, pruneKeyRing, pruneReport } from './prune.ts';
import { type RewrapReport, rewrapIsDue, rewrapKeyRing, rewrapReport } from './rewrap.ts';
import { earlier as earlierStatus, type RingDeps, ringStatusReport, statusOf } from './ringStatus.ts';

const publishedKey = z.object({
  id: z.string().nullable().meta({ description: 'Null in a dry run.' }),
  reason: rotationReason,
  activation: z.iso.datetime(),
  expiration: z.iso.datetime(),
});
type PublishedKey = z.infer<typeof publishedKey>;

export const rotateReport = z
  .object({
    outcome: z.enum(['nothingToDo', 'published', 'wouldPublish']).meta({
      description: [
        '`nothingToDo`: the normal answer.',
        '`published`: new keys are in the ring.',
        '`wouldPublish`: a dry run, or a ring in mode observe, that needs keys.',
      ].join(' '),
    }),
    dryRun: z.boolean(),
    keys: z.array(publishedKey),
    nextActionAt: z.iso.datetime().meta({ description: 'When the next run has something to do.' }),
    rewrap: rewrapReport.nullable().meta({ description: 'What else this run did, where the settings want it.' }),
    prune: pruneReport.nullable(),
    status: ringStatusReport.meta({ description: 'The ring as this run left it.' }),
  })
  .meta({ id: 'RotateReport' });
export type RotateReport = z.infer<typeof rotateReport>;

const earlierReport = z.looseObject({ status: z.unknown() });

/** A report of an earlier version in the present shape; undefined where the report is not one. */
export function earlier(report: unknown): unknown {
  const { data } = earlierReport.safeParse(report);
  return data && { ...data, status: earlierStatus(data.status) };
}

export interface RotateDeps extends RingDeps {
  random: Randomness;
  /** Somebody said that a ring which lost its keys may be begun anew. */
  acceptEmpty?: boolean | undefined;
  /** Which keys the entries of the ring's caches name: one use for each cache that can be looked into. */
  keyUse(): Promise<KeyUse[]>;
}

/** Sees to it that the ring's consumers always have a default key that each of them has read before. */
export async function rotateKeyRing(
  deps: RotateDeps,
  request: { dryRun?: boolean } = {},
  soFar?: (report: RotateReport) => void,
): Promise<RotateReport> {
  const dryRun = request.dryRun ?? false;
  const writes = deps.policy.mode === 'manage' && !dryRun;
  let published: PublishedKey[] = [];
  /** The ring as this run last wrote it. */
  let written: RingReading | undefined;
  let rewrap: RewrapReport | null = null;
  let prune: PruneReport | null = null;
  // Failures of what is less urgent take nothing from the report of a published key.
  const failures: RingFinding[] = [];
  const report = async (reading: RingReading): Promise<RotateReport> => {
    const keys = await viewKeys(reading.ring, deps.protector);
    const status = await statusOf(deps, reading, keys);
    status.findings.push(...failures);
    const now = ringTime(deps.clock, reading.stored);
    const plan = planRotation(keys, deps.policy, now);
    // What would stop the run stops its dry run.
    if (dryRun && deps.policy.mode === 'manage' && plan.keys.length > 0) {
      await refuseEmptied(deps, keys.length);
      creationOfNew(reading.ring, keys, now);
    }
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
  };
  try {
    if (writes) {
      await publishDueKeys(deps, ({ data, reading }) => {
        published = data;
        written = reading;
      });
      await orFinding('The automatic re-wrap', failures, async () => {
        if (!(await rewrapIsDue(deps))) return;
        rewrap = await rewrapKeyRing(deps, {}, (sofar, reading) => {
          rewrap = sofar;
          written = reading;
        });
      });
      await orFinding('The removal of old keys', failures, async () => {
        if (!deps.policy.prune) return;
        prune = await pruneKeyRing(deps, {}, (sofar, reading) => {
          prune = sofar;
          written = reading;
        });
      });
    }
    return await report(await readRing(deps));
  } catch (error) {
    if (written) await report(written).then(soFar, () => undefined);
    throw error;
  }
}

async function orFinding(what: string, failures: RingFinding[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MaintenanceError)) throw error;
    const { code, message, advice } = error;
    failures.push({ check: 'rotation-failed', level: 'warning', what: `${what} failed (${code}). ${message}`, advice });
  }
}

async function publishDueKeys(deps: RotateDeps, onWritten: (changed: Changed<PublishedKey[]>) => void): Promise<void> {
  let now: Instant | undefined;
  // The same key at every attempt: one whose answer got lost is known again by its id, and not joined by another.
  const made = new Map<string, MadeKey>();
  const decide = async ({ ring, stored }: RingReading) => {
    now ??= ringTime(deps.clock, stored);
    const viewed = await viewKeys(ring, deps.protector);
    const { keys } = planRotation(viewed, deps.policy, now);
    if (keys.length === 0) return undefined;
    await refuseEmptied(deps, ring.keys.length);
    const creation = creationOfNew(ring, viewed, now);
    const published: PublishedKey[] = [];
    const add: MadeKey[] = [];
    for (const planned of keys) {
      const slot = `${planned.activation} ${planned.idBelow ?? ''}`;
      const key = made.get(slot) ?? (await makeKey(ring, deps.protector, deps.random, { ...planned, creation }));
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
  await changeRing(deps, decide, onWritten);
}

/**
 * @throws KeyRingError `key_ring_emptied` for a ring that had keys by the records: whoever publishes into it makes every cached
 * entry unreadable for good
 */
async function refuseEmptied({ hadKeys, acceptEmpty, policy }: RotateDeps, keys: number): Promise<void> {
  if (keys > 0 || acceptEmpty || policy.acceptEmpty) return;
  const had = (await hadKeys?.()) ?? 0;
  if (had === 0) return;
  const what =
    had === 'unknown' ? 'whether it had keys cannot be read from the records' : `it had ${had} keys by the records`;
  throw new KeyRingError(
    'key_ring_emptied',
    `The ring is empty, and ${what}. Nothing was published.`,
    'Restore the ring (blob versions, soft delete, or the last copy). If its keys are to be given up, and every user to sign in again: `key-ring rotate --accept-empty`, or acceptEmpty in KEY_RINGS.',
  );
}

function describe({ reason, activation, expiration }: PlannedKey, id: string | null): PublishedKey {
  return { id, reason, activation: activation.toString(), expiration: expiration.toString() };
}
