import { z } from 'zod';
import { KeyRingError } from '../keyRingError.ts';
import { type ProtectorVersion, versionOf } from '../protectors/keyProtector.ts';
import { type Instant, instantOf, isBefore, plusMs } from '../reading/instants.ts';
import type { KeyRing, RingKey } from '../reading/keyRing.ts';
import type { StoredElement } from '../reading/keyRingStore.ts';
import { secretOf, withSecret } from '../reading/ringXml.ts';
import type { SealedXml } from '../reading/xml.ts';
import type { KeyRingPolicy } from '../rule/policy.ts';
import { refuseObserved } from '../rule/policy.ts';
import { type Changed, changeRing, type RingReading, readRing, type SoFar } from './changeRing.ts';
import type { RingDeps } from './ringStatus.ts';

export const rewrapReport = z
  .object({
    outcome: z
      .enum(['nothingToDo', 'rewrapped', 'wouldRewrap'])
      .meta({ description: '`nothingToDo`: every key that counts is there already.' }),
    dryRun: z.boolean(),
    newest: z.string().meta({ description: 'Version or certificate that keys are protected with from now on.' }),
    keys: z.array(z.string()).meta({ description: 'Ids of the keys that moved (or would).' }),
    failed: z
      .array(z.object({ id: z.string(), code: z.string(), message: z.string() }))
      .meta({ description: 'Keys that could not be moved, and why.' }),
    stillNeeded: z.array(z.string()).meta({
      description:
        'Versions or certificates that some key still needs; removing or disabling one makes its keys unreadable.',
    }),
    copy: z.string().nullable().default(null).meta({
      description: 'Where the ring as it was before is kept; null where nothing was written, or by an earlier version.',
    }),
    noLongerNeeded: z.array(z.string()).meta({
      description: 'Those that no key of this ring needs any more. Copies of the ring may: see the runbook.',
    }),
  })
  .meta({ id: 'RewrapReport' });
export type RewrapReport = z.infer<typeof rewrapReport>;

/**
 * Moves every key that is not long expired to the newest version of its protector. Secrets are not decrypted: what wraps
 * them is unwrapped and wrapped again, and proven by unwrapping, before anything is written.
 */
export async function rewrapKeyRing(
  deps: RingDeps,
  request: { dryRun?: boolean },
  soFar?: SoFar<RewrapReport>,
): Promise<RewrapReport> {
  const dryRun = request.dryRun ?? false;
  if (!dryRun) refuseObserved(deps.policy);
  const newest = await deps.protector.newest();
  const known = (await deps.protector.versions()).map(({ id }) => id);
  const now = instantOf(deps.clock.now());
  const failed = new Map<string, RewrapReport['failed'][number]>();
  const moved = new Map<string, SealedXml>();
  const decide = async ({ ring }: Pick<RingReading, 'ring'>) => {
    const replace: { element: StoredElement; xml: SealedXml }[] = [];
    const ids: string[] = [];
    for (const key of candidates(ring.keys, newest, deps, now)) {
      try {
        const xml = moved.get(key.id) ?? (await moveKey(key, deps));
        if (!xml) continue;
        moved.set(key.id, xml);
        replace.push({ element: key.element, xml });
        ids.push(key.id);
      } catch (error) {
        if (!(error instanceof KeyRingError) || error.transient) throw error;
        failed.set(key.id, { id: key.id, code: error.code, message: error.message });
      }
    }
    if (replace.length === 0) return undefined;
    const isDone = (after: RingReading['ring']) =>
      ids.every((id) =>
        after.keys.some((key) => key.id === id && versionOf(key.protection)?.toLowerCase() === newest.id.toLowerCase()),
      );
    return { change: { add: [], replace, remove: [] }, isDone, data: ids };
  };
  const told = (ring: KeyRing, ids: string[], copy: string | null = null): RewrapReport => {
    const needed = new Set(ring.keys.flatMap(({ protection }) => versionOf(protection) ?? []));
    return {
      outcome: ids.length === 0 ? 'nothingToDo' : dryRun ? 'wouldRewrap' : 'rewrapped',
      dryRun,
      newest: newest.id,
      keys: ids,
      failed: [...failed.values()],
      copy,
      stillNeeded: [...needed],
      noLongerNeeded: known.filter((id) => id !== newest.id && !needed.has(id)),
    };
  };
  if (dryRun) {
    // It wraps and proves as well, so that it says the same; it writes nothing.
    const reading = await readRing(deps);
    return told(reading.ring, (await decide(reading))?.data ?? []);
  }
  const moves = ({ data, copy, reading }: Changed<string[]>) => told(reading.ring, data, copy);
  const changed = await changeRing(deps, decide, (each) => soFar?.(moves(each), each.reading));
  return changed ? moves(changed) : told((await readRing(deps)).ring, []);
}

/** Whether a newer version has existed for as long as the setting says, and keys are left that it does not protect. */
export async function rewrapIsDue(deps: RingDeps): Promise<boolean> {
  const { rewrapAfterMs } = deps.policy;
  if (rewrapAfterMs === undefined || deps.protector.kind === 'none') return false;
  const now = instantOf(deps.clock.now());
  const newest = await deps.protector.newest();
  if (newest.created && isBefore(now, plusMs(instantOf(newest.created), rewrapAfterMs))) return false;
  return candidates((await readRing(deps)).ring.keys, newest, deps, now).length > 0;
}

function candidates(
  keys: readonly RingKey[],
  newest: ProtectorVersion,
  { protector, policy }: { protector: RingDeps['protector']; policy: KeyRingPolicy },
  now: Instant,
): RingKey[] {
  return keys.filter(
    ({ protection, expiration }) =>
      protection.kind === protector.kind &&
      versionOf(protection)?.toLowerCase() !== newest.id.toLowerCase() &&
      isBefore(now, plusMs(expiration, policy.pruneAfterMs)),
  );
}

async function moveKey(key: RingKey, { protector }: RingDeps): Promise<SealedXml | undefined> {
  const secret = secretOf(key.element.xml);
  const moved = secret && (await protector.rewrap(secret));
  return moved && withSecret(key.element.xml, moved);
}
