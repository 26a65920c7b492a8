import { z } from 'zod';
import { compareInstants, type Instant, isBefore, isUpTo, latest, plusMs } from '../reading/instants.ts';
import {
  byActivation,
  clockSkewMs,
  defaultKey,
  isUsable,
  propagationMs,
  type RuleKey,
  refreshMs,
} from './defaultKey.ts';
import type { KeyRingPolicy } from './policy.ts';

export const rotationReason = z.enum(['empty', 'noDefault', 'successor']).meta({
  description: [
    "`empty`: the ring's first key.",
    '`noDefault`: consumers have no default key now.',
    '`successor`: the default, or its successor, will be missed within the lead time.',
  ].join(' '),
});
type RotationReason = z.infer<typeof rotationReason>;

export interface PlannedKey {
  reason: RotationReason;
  creation: Instant;
  activation: Instant;
  expiration: Instant;
  /** The key's id must be lower than this one, so that it wins over a key activated at the same instant. */
  idBelow: string | undefined;
}

export interface RotationPlan {
  /** Keys to publish now, usually none. */
  keys: PlannedKey[];
  /** When the next run has something to do, if nothing changes until then. */
  nextActionAt: Instant;
}

/** Keys that one run publishes at most: more than two would need several revoked keys that wait for their activation. */
const mostKeys = 5;

/**
 * Which keys the ring needs so that its consumers have a default without a gap, as far ahead as the lead time goes. Each is
 * activated exactly when it is missed, and expires one lifetime after its creation, as .NET's own keys do.
 */
export function planRotation(
  keys: readonly RuleKey[],
  policy: Pick<KeyRingPolicy, 'lifetimeMs' | 'leadMs'>,
  now: Instant,
): RotationPlan {
  const planned: PlannedKey[] = [];
  for (;;) {
    const all = [...keys, ...planned.map(asRuleKey)];
    const gap = nextGap(all, now);
    const dueAt = plusMs(gap.at, -policy.leadMs);
    if (isBefore(now, dueAt)) return { keys: planned, nextActionAt: dueAt };
    if (planned.length === mostKeys) return { keys: planned, nextActionAt: now };
    planned.push({
      reason: all.length === 0 ? 'empty' : isUpTo(gap.at, now) ? 'noDefault' : 'successor',
      creation: now,
      activation: gap.activation,
      idBelow: gap.idBelow,
      expiration: latest(plusMs(now, policy.lifetimeMs), plusMs(gap.activation, shortestUseMs)),
    });
  }
}

/** Apps mint although a successor is there, where it ends so soon after it takes over (`mintsAt`, version 9 on). */
const shortestTurnMs = refreshMs + propagationMs;
/** A key is published to be used: where revoked keys push its activation far ahead, its life goes on beyond. */
const shortestUseMs = shortestTurnMs + 86_400_000;

/** The first moment at which consumers have no default, or one that comes too short for them. */
function nextGap(keys: readonly RuleKey[], now: Instant): Gap {
  const gap = firstGap(keys, now);
  const current = defaultKey(keys, now);
  if (!current || isUpTo(gap.at, current.expiration)) return gap;
  const next = defaultKey(keys, current.expiration);
  if (!next || !isBefore(next.expiration, plusMs(current.expiration, shortestTurnMs))) return gap;
  const activation = latest(current.expiration, next.activation);
  return { at: current.expiration, activation, idBelow: isUpTo(activation, next.activation) ? next.id : undefined };
}

export interface Gap {
  at: Instant;
  activation: Instant;
  idBelow: string | undefined;
}

/** The first instant from `now` on at which consumers have no default, and what a key needs to be it. */
export function firstGap(keys: readonly RuleKey[], now: Instant): Gap {
  const changes = keys
    .flatMap(({ activation, expiration }) => [plusMs(activation, -clockSkewMs), expiration])
    .filter((instant) => isBefore(now, instant))
    .sort(compareInstants);
  // The one that outdoes all before it comes last.
  const inOrder = [...keys].sort((a, b) => byActivation(b, a));
  let taken = 0;
  let candidate: RuleKey | undefined;
  for (const at of [now, ...changes]) {
    const until = plusMs(at, clockSkewMs);
    for (let next = inOrder[taken]; next && isUpTo(next.activation, until); next = inOrder[taken]) {
      candidate = next;
      taken += 1;
    }
    if (candidate && isUsable(candidate, at)) continue;
    // Only the key activated latest counts, five minutes before its time on. One that is revoked is outdone by a key
    // activated no earlier: at the same instant the lower id wins.
    const outdone = candidate && isBefore(at, candidate.activation) ? candidate : undefined;
    if (outdone) return { at, activation: outdone.activation, idBelow: outdone.id };
    return { at, activation: at, idBelow: candidate && isUpTo(at, candidate.activation) ? candidate.id : undefined };
  }
  // Not reached: every key expires at one of the changes.
  return { at: now, activation: now, idBelow: undefined };
}

function asRuleKey(key: PlannedKey, index: number): RuleKey {
  // The empty id is lower than any; without a key to outdo, ids do not matter.
  return { ...key, id: key.idBelow === undefined ? `planned-${index}` : '', revoked: false, readable: true };
}
