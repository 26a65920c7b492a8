import { z } from 'zod';
import { formatDuration } from '../../durations.ts';
import { entriesNaming, type KeyUse } from '../entries/cachedEntries.ts';
import { type Instant, instantOf, isBefore, plusMs } from '../reading/instants.ts';
import { hits, isRevoked, type KeyRing, type Revocation, type RingKey } from '../reading/keyRing.ts';
import { defaultKey } from '../rule/defaultKey.ts';
import { refuseObserved } from '../rule/policy.ts';
import { changeRing, type RingReading, readRing } from './changeRing.ts';
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
}

/** How long a key must have been expired. */
export interface PruneAge {
  expiredForMs: number;
  longestLivedUntil: Date | undefined;
}

/**
 * Removes keys that have been expired for longer than the policy says, and than the longest-lived entry lives, and that no
 * cached entry names; and revocations that hit no key any more. The ring as it was is kept first.
 */
export async function pruneKeyRing(deps: RotateDeps, request: { dryRun?: boolean }): Promise<PruneReport> {
  const dryRun = request.dryRun ?? false;
  if (!dryRun) refuseObserved(deps.policy);
  const now = instantOf(deps.clock.now());
  const use = await deps.keyUse();
  const age = pruneAge(use, deps.policy.pruneAfterMs, deps.clock.now());
  if (dryRun) {
    const { ring } = await readRing(deps);
    return report(chooseRemoval(ring, use, age.expiredForMs, now), age, true, null);
  }
  let kept: PruneReport['keptForEntries'] = [];
  const decide = async ({ ring, stored }: RingReading) => {
    const removal = chooseRemoval(ring, use, age.expiredForMs, now);
    kept = removal.keptForEntries;
    if (removal.keys.length + removal.revocations.length === 0) return undefined;
    const copy = await deps.store.keepCopy(stored, deps.clock.now());
    const remove = [...removal.keys, ...removal.revocations].map(({ element }) => element);
    const isDone = (after: KeyRing) =>
      removal.keys.every(({ id }) => after.keys.every((key) => key.id !== id)) &&
      removal.revocations.every((gone) => !after.revocations.some((left) => isSame(left, gone)));
    return { change: { add: [], replace: [], remove }, isDone, data: report(removal, age, false, copy) };
  };
  const nothing = () => report({ keys: [], revocations: [], keptForEntries: kept }, age, false, null);
  return (await changeRing(deps, decide)) ?? nothing();
}

/**
 * An entry that was written when a key expired lives on for its own time, so a key must have been expired for longer than the
 * longest-lived entry has still to live. One that never ends says nothing: it keeps the key that it names.
 */
export function pruneAge(use: readonly KeyUse[], pruneAfterMs: number, now: Date): PruneAge {
  const ends = use.flatMap(({ longestLivedUntil }) => longestLivedUntil?.getTime() ?? []);
  if (ends.length === 0) return { expiredForMs: pruneAfterMs, longestLivedUntil: undefined };
  const latest = Math.max(...ends);
  return { expiredForMs: Math.max(pruneAfterMs, latest - now.getTime()), longestLivedUntil: new Date(latest) };
}

/** What may go. Nothing while there is no default: apps that do not generate keys may then be using a long-expired one. */
export function chooseRemoval(ring: KeyRing, use: readonly KeyUse[], pruneAfterMs: number, now: Instant): Removal {
  const ruled = ring.keys.map((key) => ({ ...key, revoked: isRevoked(ring, key), readable: true }));
  if (!defaultKey(ruled, now)) return { keys: [], revocations: [], keptForEntries: [] };
  const old = ring.keys.filter(({ expiration }) => isBefore(plusMs(expiration, pruneAfterMs), now));
  const named = old
    .map(({ id }) => ({ id, entries: entriesNaming(use, new Set([id])) }))
    .filter(({ entries }) => entries > 0);
  const keys = old.filter(({ id }) => !named.some((key) => key.id === id));
  const left = ring.keys.filter((key) => !keys.includes(key));
  const revocations = ring.revocations.filter((revocation) => isOrphan(revocation, ring, left, pruneAfterMs, now));
  return { keys, revocations, keptForEntries: named };
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

function report(
  { keys, revocations, keptForEntries }: Removal,
  { expiredForMs, longestLivedUntil }: PruneAge,
  dryRun: boolean,
  copy: string | null,
): PruneReport {
  return {
    outcome: keys.length + revocations.length === 0 ? 'nothingToDo' : dryRun ? 'wouldPrune' : 'pruned',
    dryRun,
    keys: keys.map(({ id }) => id),
    revocations: revocations.map(({ key, date }) => ({ key, date: date?.toString() ?? null })),
    keptForEntries,
    expiredFor: formatDuration(expiredForMs),
    longestLivedUntil: longestLivedUntil?.toISOString() ?? null,
    copy,
  };
}
