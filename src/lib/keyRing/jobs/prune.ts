import { z } from 'zod';
import { formatDuration } from '../../durations.ts';
import { entriesNaming, type KeyUse } from '../entries/cachedEntries.ts';
import { type Instant, instantOf, isBefore, plusMs } from '../reading/instants.ts';
import { hits, type KeyRing, type Revocation, type RingKey } from '../reading/keyRing.ts';
import { changesUse, usedUntilNextRun } from '../rule/consumers.ts';
import { defaultKey } from '../rule/defaultKey.ts';
import { refuseObserved } from '../rule/policy.ts';
import { type ViewedKey, viewKeys } from '../rule/ringView.ts';
import { changeRing, type RingReading, readRing, type SoFar } from './changeRing.ts';
import type { RotateDeps } from './rotate.ts';

export const pruneReport = z
  .object({
    outcome: z.enum(['nothingToDo', 'pruned', 'wouldPrune']),
    dryRun: z.boolean(),
    keys: z.array(z.string()).meta({ description: 'Ids of the keys that were removed (or would be).' }),
    revocations: z
      .array(z.object({ key: z.string(), date: z.iso.datetime().nullable() }))
      .meta({ description: 'Revocations removed: of which key, and when it was revoked.' }),
    keptForEntries: z
      .array(z.object({ id: z.string(), entries: z.int() }))
      .meta({ description: 'Keys expired for long enough, and kept since cached entries still name them.' }),
    keptForApps: z.array(z.string()).default([]).meta({
      description:
        'Keys expired for long enough, and kept since an app of some version protects with them, or may until the next run.',
    }),
    sampled: z.boolean().default(false).meta({
      description: 'Not every cached entry could be looked at: that no entry names a key is told from a sample.',
    }),
    expiredFor: z.iso.duration().meta({
      description:
        'How long a key must have been expired: the setting, or the life of the longest-lived entry where that is longer.',
    }),
    longestLivedUntil: z.iso.datetime().nullable().meta({
      description:
        'Until when the longest-lived cached entry can live; null where the caches cannot tell, or it never ends.',
    }),
    copy: z
      .string()
      .nullable()
      .meta({ description: 'Where the ring as it was before is kept; null where nothing was removed.' }),
  })
  .meta({ id: 'PruneReport' });
export type PruneReport = z.infer<typeof pruneReport>;

interface Removal {
  keys: RingKey[];
  revocations: Revocation[];
  keptForEntries: PruneReport['keptForEntries'];
  keptForApps: string[];
}

/**
 * Removes keys that have been expired for longer than the policy says, and than the longest-lived entry lives, and that no
 * cached entry names; and revocations that hit no key any more. The ring as it was is kept first.
 */
export async function pruneKeyRing(
  deps: RotateDeps,
  request: { dryRun?: boolean },
  soFar?: SoFar<PruneReport>,
): Promise<PruneReport> {
  const dryRun = request.dryRun ?? false;
  if (!dryRun) refuseObserved(deps.policy);
  const now = instantOf(deps.clock.now());
  const use = await deps.keyUse();
  const age = pruneAge(use, deps.policy.pruneAfterMs, deps.clock.now());
  const told = ({ keys, revocations, ...kept }: Removal, copy: string | null): PruneReport => ({
    outcome: keys.length + revocations.length === 0 ? 'nothingToDo' : dryRun ? 'wouldPrune' : 'pruned',
    dryRun,
    keys: keys.map(({ id }) => id),
    revocations: revocations.map(({ key, date }) => ({ key, date: date?.toString() ?? null })),
    ...kept,
    sampled: use.some(({ complete }) => !complete),
    expiredFor: formatDuration(age.expiredForMs),
    longestLivedUntil: age.longestLivedUntil?.toISOString() ?? null,
    copy,
  });
  const choose = async (ring: KeyRing) =>
    chooseRemoval(ring, await viewKeys(ring, deps.protector), use, age.expiredForMs, now);
  if (dryRun) return told(await choose((await readRing(deps)).ring), null);
  let removal = nothing;
  const decide = async ({ ring }: RingReading) => {
    const chosen = await choose(ring);
    removal = chosen;
    const gone = [...chosen.keys, ...chosen.revocations];
    if (gone.length === 0) return undefined;
    const isDone = (after: KeyRing) =>
      chosen.keys.every(({ id }) => after.keys.every((key) => key.id !== id)) &&
      chosen.revocations.every((one) => !after.revocations.some((left) => isSame(left, one)));
    return { change: { add: [], replace: [], remove: gone.map(({ element }) => element) }, isDone, data: chosen };
  };
  const changed = await changeRing(deps, decide, ({ data, copy, reading }) => soFar?.(told(data, copy), reading));
  return told(changed?.data ?? { ...removal, keys: [], revocations: [] }, changed?.copy ?? null);
}

const nothing: Removal = { keys: [], revocations: [], keptForEntries: [], keptForApps: [] };

/**
 * An entry that was written when a key expired lives on for its own time, so a key must have been expired for longer than the
 * longest-lived entry has still to live. One that never ends says nothing: it keeps the key that it names.
 */
function pruneAge(use: readonly KeyUse[], pruneAfterMs: number, now: Date) {
  const ends = use.flatMap(({ longestLivedUntil }) => longestLivedUntil?.getTime() ?? []);
  const latest = Math.max(...ends);
  const expiredForMs = Math.max(pruneAfterMs, latest - now.getTime());
  return { expiredForMs, longestLivedUntil: ends.length === 0 ? undefined : new Date(latest) };
}

/**
 * What may go. Never a key that an app of any version protects with, with automatic generation or without, now or until the next
 * run; and nothing while there is no default, or where apps would do otherwise without it.
 */
function chooseRemoval(
  ring: KeyRing,
  viewed: readonly ViewedKey[],
  use: readonly KeyUse[],
  pruneAfterMs: number,
  now: Instant,
): Removal {
  const old = ring.keys.filter(({ expiration }) => isBefore(plusMs(expiration, pruneAfterMs), now));
  const named = old
    .map(({ id }) => ({ id, entries: entriesNaming(use, new Set([id])) }))
    .filter(({ entries }) => entries > 0);
  const isNamed = new Set(named.map(({ id }) => id));
  const inUse = old.length > 0 ? usedUntilNextRun(viewed, now) : new Set<string>();
  const unnamed = old.filter(({ id }) => !isNamed.has(id));
  let keys = unnamed.filter(({ id }) => !inUse.has(id));
  const gone = new Set(keys.map(({ id }) => id));
  // Apps may be using any of them, and what is missing may come back from a copy.
  if (!defaultKey(viewed, now)) return { ...nothing, keptForEntries: named, keptForApps: unnamed.map(({ id }) => id) };
  const remaining = viewed.filter(({ id }) => !gone.has(id));
  if (keys.length > 0 && changesUse(viewed, remaining, now)) keys = [];
  const left = ring.keys.filter((key) => !keys.includes(key));
  const revocations = ring.revocations.filter((revocation) => isOrphan(revocation, ring, left, pruneAfterMs, now));
  const keptForApps = unnamed.filter((key) => !keys.includes(key)).map(({ id }) => id);
  return { keys, revocations, keptForEntries: named, keptForApps };
}

/**
 * Whether a revocation hits no key. One of all is kept for as long as an old key could come back from a copy; one of a key
 * that consumers cannot read at present is not without a key.
 */
function isOrphan(
  revocation: Revocation,
  ring: KeyRing,
  left: readonly RingKey[],
  pruneAfterMs: number,
  now: Instant,
): boolean {
  if (left.some((key) => hits(revocation, key))) return false;
  if (
    ring.foreign.some(
      ({ name, element }) =>
        name === 'key' && (revocation.key === '*' || element.xml.reveal().toLowerCase().includes(revocation.key)),
    )
  ) {
    return false;
  }
  if (revocation.key !== '*') return true;
  return revocation.date !== undefined && isBefore(plusMs(revocation.date, pruneAfterMs), now);
}

function isSame(a: Revocation, b: Revocation): boolean {
  return a.key === b.key && a.date?.epochNanoseconds === b.date?.epochNanoseconds;
}
