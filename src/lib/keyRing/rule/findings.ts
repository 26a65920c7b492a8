import { z } from 'zod';
import { level } from '../../level.ts';
import { countOf } from '../../wording.ts';
import type { KeyProtector, ProtectorVersion } from '../protectors/keyProtector.ts';
import { type Instant, instantOf, isBefore, isUpTo, msBetween, plusMs } from '../reading/instants.ts';
import type { KeyRing } from '../reading/keyRing.ts';
import type { StoredRing } from '../reading/keyRingStore.ts';
import { isMarkedAsOurs } from '../reading/ringXml.ts';
import { shown } from '../reading/shown.ts';
import { verdicts, wouldMint } from './consumers.ts';
import { clockSkewMs, defaultKey, fallbackKey, isUsable, propagationMs, refreshMs } from './defaultKey.ts';
import { adviceOfFindings, found } from './findingAdvice.ts';
import type { KeyRingPolicy } from './policy.ts';
import { protectionFindings } from './protectionFindings.ts';
import { adviceAhead, revocationAhead, whatIsAhead } from './revocationAhead.ts';
import type { ViewedKey } from './ringView.ts';
import { firstGap } from './rotationPlan.ts';

export const ringFinding = z.object({
  check: z.string().meta({ description: 'Stable.' }),
  level,
  what: z.string(),
  advice: z.string(),
});
export type RingFinding = z.infer<typeof ringFinding>;

export interface RingFacts {
  stored: StoredRing;
  ring: KeyRing;
  keys: readonly ViewedKey[];
  /** How many there were by the records. */
  hadKeys?: number | 'unknown' | undefined;
  policy: KeyRingPolicy;
  /** Versions of the protector; empty where they could not be listed. */
  versions: readonly ProtectorVersion[];
  protectorKind: KeyProtector['kind'];
  now: Instant;
  /** By this machine's clock. */
  machineTime: Instant;
}

const day = 86_400_000;
/** Keys made by instances that started together lie seconds apart (aspnetcore#52561); a deployment takes minutes. */
const raceMs = 600_000;
/** Older keys say nothing of how the apps are set now. */
const lookedAt = 100;
/** A daily timer that missed its due date by this much has stopped. */
const overdueMs = 3 * day;

export function findingsOf(facts: RingFacts): RingFinding[] {
  return [
    ...damageOf(facts),
    ...lossOf(facts),
    ...defaultOf(facts),
    ...versionsOf(facts),
    ...makersOf(facts),
    ...protectionFindings(facts),
    ...elementsOf(facts),
    ...clockOf(facts),
  ];
}

function isEmptied({ ring, hadKeys = 0 }: RingFacts): boolean {
  return ring.keys.length === 0 && hadKeys !== 0;
}

function* lossOf(facts: RingFacts): Iterable<RingFinding> {
  const { ring, hadKeys, now } = facts;
  if (isEmptied(facts)) {
    const had =
      hadKeys === 'unknown'
        ? 'whether it had keys cannot be read from the records'
        : `it had ${hadKeys} keys by the records`;
    const what = `The ring is empty, and ${had}: apps cannot read a cached entry, and mint or stop.`;
    yield found('ring_emptied', 'critical', what);
  }
  const ahead = revocationAhead(ring, now);
  if (ahead) yield found('revocation_ahead', 'critical', whatIsAhead(ahead), adviceAhead);
}

const damageChecks = {
  notWellFormed: 'element_not_well_formed',
  duplicateKey: 'duplicate_key',
  unreadableRevocation: 'revocation_unreadable',
} as const;

function damageOf({ ring }: RingFacts): RingFinding[] {
  return ring.damage.map(({ kind, message, since }) => {
    if (kind === 'notJudged')
      return found('not_judged', 'warning', `What apps make of the ring is not known: ${message}.`);
    const apps = since === 8 ? 'Every app' : `Every app on ASP.NET Core ${since} or later`;
    return found(damageChecks[kind], 'critical', `${apps} fails at its next refresh: ${message}.`);
  });
}

/** Versions read a ring alike, but for some that are rare. */
function* versionsOf({ ring, keys, now }: RingFacts): Iterable<RingFinding> {
  const groups = verdicts(keys, ring.damage, now);
  if (groups.length < 2) return;
  const told = groups.map(({ versions, what }) => `on ASP.NET Core ${versions.join(', ')} they ${what}`);
  yield found('versions_differ', 'warning', `Apps differ by their version: ${told.join('; ')}.`);
}

function* defaultOf(facts: RingFacts): Iterable<RingFinding> {
  const { keys, policy, now } = facts;
  const current = defaultKey(keys, now);
  const gap = firstGap(keys, now);
  const leftMs = msBetween(now, gap.at);
  if (!current) {
    const fallback = fallbackKey(keys, now, 10);
    const without = fallback ? `use ${fallback.id}` : 'fail';
    const what = `Apps have no default key, and each mints one of its own; those that do not generate keys ${without}.`;
    // A key published into a ring that lost its own makes the loss final.
    yield found('no_default_key', 'critical', what, isEmptied(facts) ? adviceOfFindings.ring_emptied : undefined);
  } else {
    if (leftMs <= refreshMs + propagationMs) {
      const mint = wouldMint(keys, now) ? '; apps mint a key at their next refresh' : '';
      yield found('no_default_soon', 'critical', `Nothing is the default from ${gap.at} on${mint}.`);
    } else if (leftMs <= policy.leadMs) {
      const what = `No successor is published for ${gap.at}, when the default key is missed.`;
      yield found('no_successor', policy.mode === 'manage' ? 'warning' : 'info', what);
    }
    if (keys.filter((key) => isUsable(key, now)).length === 1) {
      const what = `Key ${current.id} is the only usable one: if it is lost or revoked, there is none.`;
      yield found('last_usable_key', 'info', what);
    }
  }
  // Apps publish a successor two to three days ahead; this tool at the lead time, with three days for a missed timer.
  const dueMs = policy.mode === 'manage' ? policy.leadMs - overdueMs : propagationMs;
  const hasExpired = keys.length > 0 && keys.every(({ expiration }) => isUpTo(expiration, now));
  if (current ? leftMs < dueMs : hasExpired)
    yield found('rotation_stopped', 'critical', 'A successor is long overdue: the ring has stopped rotating.');
}

function* makersOf({ keys, policy, now }: RingFacts): Iterable<RingFinding> {
  const byCreation = [...keys].sort((a, b) => (isBefore(a.creation, b.creation) ? -1 : 1)).slice(-lookedAt);
  const byApp = ({ element }: ViewedKey) => !isMarkedAsOurs(element.xml);
  for (const [index, key] of byCreation.entries()) {
    const previous = byCreation[index - 1];
    if (!previous || !byApp(key)) continue;
    if (msBetween(previous.creation, key.creation) <= raceMs) {
      const what = `Keys ${previous.id} and ${key.id} were made within minutes of each other: instances raced.`;
      yield found('racing_keys', 'warning', what);
    }
    const atOnce = isUpTo(key.activation, plusMs(key.creation, clockSkewMs));
    const wasNeeded = () => !defaultKey(byCreation.slice(0, index), key.creation);
    if (atOnce && isBefore(now, key.expiration) && !wasNeeded()) {
      const what = `Key ${key.id} was active at its creation: instances that had not read it failed to decrypt.`;
      yield found('activated_at_creation', 'warning', what);
    }
  }
  const newest = byCreation.at(-1);
  if (policy.mode === 'manage' && newest && byApp(newest) && byCreation.length > 1) {
    const what = `The newest key ${newest.id} was made by an app: automatic key generation is still on.`;
    yield found('automatic_generation', 'warning', what);
  }
}

function* elementsOf({ stored, ring }: RingFacts): Iterable<RingFinding> {
  for (const { name, reason, element } of ring.foreign) {
    const what = `Apps pass over ${shown(element.place)} (${name}), and it is kept: it ${reason}.`;
    yield name === 'key' ? found('key_passed_over', 'warning', what) : found('foreign_element', 'info', what);
  }
  if (stored.isOneElement) {
    const what =
      'The blob is one element of a ring, as a folder keeps it: apps look for keys inside of it, and see none.';
    yield found('ring_not_seen', 'critical', what);
  }
  const local = [...ring.keys, ...ring.revocations].filter(({ hasZone }) => !hasZone);
  if (local.length > 0) {
    const what = `Dates of ${countOf(local.length, 'element')} have no zone: each app takes its own local time, and this tool UTC.`;
    yield found('date_without_zone', 'warning', what);
  }
}

function* clockOf({ stored, keys, now, machineTime }: RingFacts): Iterable<RingFinding> {
  const skewMs = stored.storeTime ? Math.abs(msBetween(machineTime, instantOf(stored.storeTime))) : 0;
  if (skewMs > clockSkewMs) {
    const what = `The clocks of this machine and of the store differ by ${Math.round(skewMs / 1000)} s.`;
    yield found('clock_skew', 'warning', what);
  }
  for (const { id, creation } of keys.filter((key) => isBefore(plusMs(now, clockSkewMs), key.creation)))
    yield found('clock_skew', 'warning', `Key ${id} was created in the future, at ${creation}.`);
}
