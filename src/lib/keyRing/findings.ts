import { z } from 'zod';
import { type Level, level } from '../level.ts';
import { clockSkewMs, defaultKey, fallbackKey, propagationMs, refreshMs, wouldMint } from './defaultKey.ts';
import { adviceOf, type RingCheck } from './findingAdvice.ts';
import { type Instant, instantOf, isBefore, isUpTo, msBetween, plusMs } from './instants.ts';
import type { ProtectorVersion } from './keyProtector.ts';
import type { KeyRing } from './keyRing.ts';
import type { StoredRing } from './keyRingStore.ts';
import type { KeyRingPolicy } from './policy.ts';
import { protectionFindings } from './protectionFindings.ts';
import { isUsable, type ViewedKey } from './ringView.ts';
import { isMarkedAsOurs } from './ringXml.ts';
import { firstGap } from './rotationPlan.ts';

export const ringFinding = z.object({
  check: z.string().meta({ description: 'Stable.' }),
  level,
  what: z.string(),
  advice: z.string(),
});
export type RingFinding = z.infer<typeof ringFinding>;

/** A finding whose advice is that of its check, unless it brings its own. */
export interface PlainFinding extends Omit<RingFinding, 'check' | 'advice'> {
  check: RingCheck;
  advice?: string | undefined;
}

export interface RingFacts {
  stored: StoredRing;
  ring: KeyRing;
  keys: readonly ViewedKey[];
  policy: KeyRingPolicy;
  /** Versions of the protector; empty where they could not be listed. */
  versions: readonly ProtectorVersion[];
  protectorWarnings: readonly string[];
  now: Instant;
  /** By this machine's clock. */
  machineTime: Instant;
}

const day = 86_400_000;
/** Keys made by instances that started together lie seconds apart (aspnetcore#52561); a deployment takes minutes. */
const raceMs = 600_000;
/** A daily timer that missed its due date by this much has stopped. */
const overdueMs = 3 * day;

export function findingsOf(facts: RingFacts): RingFinding[] {
  const found = [
    ...damageOf(facts),
    ...defaultOf(facts),
    ...makersOf(facts),
    ...protectionFindings(facts),
    ...elementsOf(facts),
    ...clockOf(facts),
  ];
  return found.map((finding) => ({
    ...finding,
    advice: finding.advice ?? adviceOf(finding.check),
  }));
}

function damageOf({ ring }: RingFacts): PlainFinding[] {
  const checks = {
    notWellFormed: 'element_not_well_formed',
    duplicateKey: 'duplicate_key',
    unreadableRevocation: 'revocation_unreadable',
  } as const;
  return ring.damage.map(({ kind, message }) => ({
    check: checks[kind],
    level: 'critical',
    what: `Every app fails at its next refresh: ${message}.`,
  }));
}

function defaultOf({ keys, policy, now }: RingFacts): PlainFinding[] {
  const findings: PlainFinding[] = [];
  const add = (check: RingCheck, level: Level, what: string) => findings.push({ check, level, what });
  const current = defaultKey(keys, now);
  const gap = firstGap(keys, now);
  if (!current) {
    const fallback = fallbackKey(keys, now);
    const without = fallback ? `use ${fallback.id}` : 'fail';
    add(
      'no_default_key',
      'critical',
      `Apps have no default key, and each mints one of its own; those that do not generate keys ${without}.`,
    );
  } else {
    const leftMs = msBetween(now, gap.at);
    if (leftMs <= refreshMs + propagationMs) {
      add(
        'no_default_soon',
        'critical',
        `Nothing is the default from ${gap.at} on${wouldMint(keys, now) ? '; apps mint a key at their next refresh' : ''}.`,
      );
    } else if (leftMs <= policy.leadMs) {
      add(
        'no_successor',
        policy.mode === 'manage' ? 'warning' : 'info',
        `No successor is published for ${gap.at}, when the default key is missed.`,
      );
    }
    const usable = keys.filter((key) => isUsable(key, now));
    if (usable.length === 1) {
      add(
        'last_usable_key',
        'info',
        `Key ${current.id} is the only usable one: if it is lost or revoked, there is none.`,
      );
    }
  }
  if (isOverdue(keys, current !== undefined, msBetween(now, gap.at), policy, now)) {
    add('rotation_stopped', 'critical', 'A successor is long overdue: the ring has stopped rotating.');
  }
  return findings;
}

/** Apps publish a successor two to three days ahead; this tool at the lead time, with three days for a missed timer. */
function isOverdue(
  keys: readonly ViewedKey[],
  hasDefault: boolean,
  leftMs: number,
  { mode, leadMs }: KeyRingPolicy,
  now: Instant,
): boolean {
  if (hasDefault) return leftMs < (mode === 'manage' ? leadMs - overdueMs : propagationMs);
  return keys.length > 0 && keys.every(({ expiration }) => isUpTo(expiration, now));
}

function makersOf({ keys, policy, now }: RingFacts): PlainFinding[] {
  const findings: PlainFinding[] = [];
  const byCreation = [...keys].sort((a, b) => (isBefore(a.creation, b.creation) ? -1 : 1));
  byCreation.forEach((key, index) => {
    const previous = byCreation[index - 1];
    const byApp = !isMarkedAsOurs(key.element.xml);
    if (previous && byApp && msBetween(previous.creation, key.creation) <= raceMs) {
      const what = `Keys ${previous.id} and ${key.id} were made within minutes of each other: instances raced.`;
      findings.push({ check: 'racing_keys', level: 'warning', what });
    }
    const atOnce = isUpTo(key.activation, plusMs(key.creation, clockSkewMs));
    const needed = !defaultKey(byCreation.slice(0, index), key.creation);
    if (previous && byApp && atOnce && !needed && isBefore(now, key.expiration)) {
      const what = `Key ${key.id} was active at its creation: instances that had not read it failed to decrypt.`;
      findings.push({ check: 'activated_at_creation', level: 'warning', what });
    }
  });
  const newest = byCreation.at(-1);
  if (policy.mode === 'manage' && newest && !isMarkedAsOurs(newest.element.xml) && byCreation.length > 1) {
    const what = `The newest key ${newest.id} was made by an app: automatic key generation is still on.`;
    findings.push({ check: 'automatic_generation', level: 'warning', what });
  }
  return findings;
}

function elementsOf({ ring }: RingFacts): PlainFinding[] {
  return ring.foreign.map(({ name, reason, element }) => ({
    check: name === 'key' ? 'key_passed_over' : 'foreign_element',
    level: name === 'key' ? 'warning' : 'info',
    what: `Apps pass over ${element.place} (${name}), and it is kept: it ${reason}.`,
  }));
}

function clockOf({ stored, keys, now, machineTime }: RingFacts): PlainFinding[] {
  const findings: PlainFinding[] = [];
  const skewMs = stored.storeTime ? msBetween(machineTime, instantOf(stored.storeTime)) : 0;
  if (Math.abs(skewMs) > clockSkewMs) {
    const what = `The clocks of this machine and of the store differ by ${Math.round(Math.abs(skewMs) / 1000)} s.`;
    findings.push({ check: 'clock_skew', level: 'warning', what });
  }
  for (const { id, creation } of keys.filter((key) => isBefore(plusMs(now, clockSkewMs), key.creation))) {
    findings.push({
      check: 'clock_skew',
      level: 'warning',
      what: `Key ${id} was created in the future, at ${creation}.`,
    });
  }
  return findings;
}
