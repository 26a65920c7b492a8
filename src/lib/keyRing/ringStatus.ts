import type { Clock } from '../clock.ts';
import { type ChangeDeps, type RingReading, readRing } from './changeRing.ts';
import { defaultKey, wouldMint } from './defaultKey.ts';
import { type Finding, findingsOf } from './findings.ts';
import { compareInstants, type Instant, instantOf, isUpTo, msBetween } from './instants.ts';
import { type KeyProtector, type ProtectorVersion, versionOf } from './keyProtector.ts';
import { KeyRingError } from './keyRingError.ts';
import type { KeyRingStore } from './keyRingStore.ts';
import type { KeyRingPolicy } from './policy.ts';
import { ringTime } from './ringTime.ts';
import { type ViewedKey, viewKeys } from './ringView.ts';
import { isMarkedAsOurs } from './ringXml.ts';
import { planRotation } from './rotationPlan.ts';

/**
 * - `default`: consumers protect with it · `next`: it takes over when the default is missed · `active`: usable otherwise
 * - `expired`, `revoked` · `unreadable`: its secret does not decrypt
 */
export type KeyState = 'default' | 'next' | 'active' | 'expired' | 'revoked' | 'unreadable';

export interface KeyReport {
  id: string;
  state: KeyState;
  created: string;
  activated: string;
  expires: string;
  /** `keyVault`, `certificate`, `none` or `unknown`, and its version or thumbprint. */
  protection: string;
  protectorVersion: string | null;
  /** This tool marks the keys that it makes; all others were made by an app. */
  madeBy: 'token-cache-maintenance' | 'app';
  /** Null where it could not be tried. */
  unwraps: boolean | null;
}

export interface RingStatus {
  store: string;
  protector: string;
  mode: KeyRingPolicy['mode'];
  at: string;
  defaultKey: string | null;
  nextKey: string | null;
  /** An app with automatic generation on would mint a key of its own at its next refresh. */
  appsWouldMint: boolean;
  keys: KeyReport[];
  revocations: number;
  findings: Finding[];
  /** When a managing run has something to do. */
  nextActionAt: string;
  /** Seconds, for the metrics; null where there is no such key or version. */
  defaultTimeToExpiry: number | null;
  newestKeyAge: number | null;
  protectorTimeToExpiry: number | null;
}

export interface RingDeps extends ChangeDeps {
  store: KeyRingStore;
  protector: KeyProtector;
  policy: KeyRingPolicy;
  clock: Clock;
}

/** Reads the ring and says what state it is in. Writes nothing. */
export async function ringStatus(deps: RingDeps): Promise<RingStatus> {
  const reading = await readRing(deps);
  return statusOf(deps, reading, await viewKeys(reading.ring, deps.protector));
}

/** The status of a ring that was read and tried already. */
export async function statusOf(deps: RingDeps, reading: RingReading, keys: readonly ViewedKey[]): Promise<RingStatus> {
  const { store, protector, policy, clock } = deps;
  const now = ringTime(clock, reading.stored);
  const { versions, problem } = await listVersions(protector);
  const plan = planRotation(keys, policy, now);
  const current = defaultKey(keys, now);
  const next = nextOf(
    keys.filter((key) => key !== current),
    now,
  );
  const [newest] = [...keys].sort((a, b) => compareInstants(b.creation, a.creation));
  const protectorEnd = versions[0]?.expires;
  const machineTime = instantOf(clock.now());
  const facts = { ...reading, keys, policy, versions, protectorWarnings: protector.warnings, now, machineTime };
  return {
    store: store.description,
    protector: protector.description,
    mode: policy.mode,
    at: now.toString(),
    defaultKey: current?.id ?? null,
    nextKey: next?.id ?? null,
    appsWouldMint: wouldMint(keys, now),
    keys: keys.map((key) => describeKey(key, stateOf(key, current, next, now))),
    revocations: reading.ring.revocations.length,
    findings: [...findingsOf(facts), ...(problem ? [problem] : [])],
    nextActionAt: (plan.keys.length > 0 ? now : plan.nextActionAt).toString(),
    defaultTimeToExpiry: current ? msBetween(now, current.expiration) / 1000 : null,
    newestKeyAge: newest ? msBetween(newest.creation, now) / 1000 : null,
    protectorTimeToExpiry: protectorEnd ? msBetween(now, instantOf(protectorEnd)) / 1000 : null,
  };
}

async function listVersions(protector: KeyProtector): Promise<{ versions: ProtectorVersion[]; problem?: Finding }> {
  try {
    return { versions: await protector.versions() };
  } catch (error) {
    if (!(error instanceof KeyRingError)) throw error;
    return {
      versions: [],
      problem: { check: error.code, level: 'warning', message: error.message, advice: error.advice },
    };
  }
}

/** The key that takes over first: not yet active, and the default once it is. */
function nextOf(keys: readonly ViewedKey[], now: Instant): ViewedKey | undefined {
  return keys
    .filter((key) => !isUpTo(key.activation, now) && defaultKey(keys, key.activation) === key)
    .sort((a, b) => compareInstants(a.activation, b.activation))[0];
}

function stateOf(key: ViewedKey, current: ViewedKey | undefined, next: ViewedKey | undefined, now: Instant): KeyState {
  if (key.revoked) return 'revoked';
  if (key.unwraps === 'no') return 'unreadable';
  if (key === current) return 'default';
  if (isUpTo(key.expiration, now)) return 'expired';
  return key === next ? 'next' : 'active';
}

function describeKey(key: ViewedKey, state: KeyState): KeyReport {
  return {
    id: key.id,
    state,
    created: key.creation.toString(),
    activated: key.activation.toString(),
    expires: key.expiration.toString(),
    protection: key.protection.kind,
    protectorVersion: versionOf(key.protection) ?? null,
    madeBy: isMarkedAsOurs(key.element.xml) ? 'token-cache-maintenance' : 'app',
    unwraps: key.unwraps === 'unknown' ? null : key.unwraps === 'yes',
  };
}
