import { z } from 'zod';
import { KeyRingError } from '../keyRingError.ts';
import { type KeyProtector, type ProtectorVersion, versionOf } from '../protectors/keyProtector.ts';
import { compareInstants, type Instant, instantOf, isUpTo, msBetween } from '../reading/instants.ts';
import { type KeyRing, revokedAt } from '../reading/keyRing.ts';
import { isMarkedAsOurs } from '../reading/ringXml.ts';
import { wouldMint } from '../rule/consumers.ts';
import { defaultKey } from '../rule/defaultKey.ts';
import { earlierCheckNames } from '../rule/findingAdvice.ts';
import { findingsOf, type RingFinding, ringFinding } from '../rule/findings.ts';
import { type KeyRingPolicy, ringMode } from '../rule/policy.ts';
import { type ViewedKey, viewKeys } from '../rule/ringView.ts';
import { planRotation } from '../rule/rotationPlan.ts';
import { type ChangeDeps, type RingReading, readRing, ringTime } from './changeRing.ts';

export const keyState = z.enum(['default', 'next', 'active', 'expired', 'revoked', 'unreadable']).meta({
  description: [
    '`default`: consumers protect with it.',
    '`next`: it takes over when the default is missed.',
    '`active`: usable otherwise.',
    '`unreadable`: its secret does not decrypt.',
  ].join(' '),
});
type KeyState = z.infer<typeof keyState>;

const keyReport = z.object({
  id: z.string(),
  state: keyState,
  created: z.iso.datetime(),
  activated: z.iso.datetime(),
  expires: z.iso.datetime(),
  revoked: z.iso.datetime().nullable().meta({
    description: 'Of the state `revoked`: since when; null also where the revocation has no date.',
  }),
  protection: z.enum(['keyVault', 'certificate', 'none', 'unknown']),
  protectorVersion: z.string().nullable().meta({ description: 'Key Vault key version, or thumbprint.' }),
  madeBy: z.enum(['token-cache-maintenance', 'app']).meta({
    description: 'This tool marks the keys that it makes; all others were made by an app.',
  }),
  unwraps: z.boolean().nullable().meta({ description: 'Null where it could not be tried.' }),
});
export type KeyReport = z.infer<typeof keyReport>;

const seconds = z.number().nullable().meta({ description: 'Seconds; null where there is no such key or version.' });

export const ringStatusReport = z
  .object({
    store: z.string(),
    protector: z.string(),
    mode: ringMode,
    at: z.iso.datetime(),
    defaultKey: z.string().nullable(),
    nextKey: z.string().nullable(),
    appsWouldMint: z.boolean().meta({
      description:
        'An app with automatic generation on, of some version from 8 to 11, would mint a key of its own at its next refresh.',
    }),
    keys: z.array(keyReport),
    revocations: z.int(),
    findings: z.array(ringFinding),
    nextActionAt: z.iso.datetime().meta({ description: 'When a managing run has something to do.' }),
    defaultTimeToExpiry: seconds,
    newestKeyAge: seconds,
    protectorTimeToExpiry: seconds,
  })
  .meta({ id: 'RingStatus' });
export type RingStatus = z.infer<typeof ringStatusReport>;

const earlierStatus = z.looseObject({
  keys: z.array(z.looseObject({})),
  findings: z.array(
    z.object({
      check: z.string(),
      level: z.enum(['info', 'warning', 'error']),
      message: z.string(),
      advice: z.string().optional(),
    }),
  ),
});

/** A status of an earlier version in the present shape; undefined where the report is not one. */
export function earlier(report: unknown): unknown {
  const { data } = earlierStatus.safeParse(report);
  return (
    data && {
      ...data,
      keys: data.keys.map((key) => ({ revoked: null, ...key })),
      findings: data.findings.map(({ check, level, message, advice }) => ({
        check: earlierCheckNames[check] ?? check,
        level: level === 'error' ? 'critical' : level,
        what: `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.$/, '')}.`,
        advice: advice ?? `See what docs/runbook says about ${check}.`,
      })),
    }
  );
}

export interface RingDeps extends ChangeDeps {
  protector: KeyProtector;
  policy: KeyRingPolicy;
  /**
   * Keys that the ring had when a run last saw one, by the records: what tells a first ring from one that lost its keys. Asked of
   * an empty ring alone.
   */
  hadKeys?: () => Promise<number | 'unknown'>;
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
  const hadKeys = keys.length === 0 ? await deps.hadKeys?.() : 0;
  const facts = {
    ...reading,
    keys,
    hadKeys,
    policy,
    versions,
    protectorKind: protector.kind,
    now,
    machineTime,
  };
  return {
    store: store.description,
    protector: protector.description,
    mode: policy.mode,
    at: now.toString(),
    defaultKey: current?.id ?? null,
    nextKey: next?.id ?? null,
    appsWouldMint: wouldMint(keys, now),
    keys: keys.map((key) => describeKey(key, stateOf(key, current, next, now), reading.ring)),
    revocations: reading.ring.revocations.length,
    findings: [...findingsOf(facts), ...(problem ? [problem] : [])],
    nextActionAt: (plan.keys.length > 0 ? now : plan.nextActionAt).toString(),
    defaultTimeToExpiry: current ? msBetween(now, current.expiration) / 1000 : null,
    newestKeyAge: newest ? msBetween(newest.creation, now) / 1000 : null,
    protectorTimeToExpiry: protectorEnd ? msBetween(now, instantOf(protectorEnd)) / 1000 : null,
  };
}

async function listVersions(protector: KeyProtector): Promise<{ versions: ProtectorVersion[]; problem?: RingFinding }> {
  try {
    return { versions: await protector.versions() };
  } catch (error) {
    if (!(error instanceof KeyRingError)) throw error;
    return {
      versions: [],
      problem: { check: error.code, level: 'warning', what: error.message, advice: error.advice },
    };
  }
}

/** The key that takes over first: not yet active, and the default once it is. */
function nextOf(keys: readonly ViewedKey[], now: Instant): ViewedKey | undefined {
  return keys
    .filter(({ activation }) => !isUpTo(activation, now))
    .sort((a, b) => compareInstants(a.activation, b.activation))
    .find((key) => defaultKey(keys, key.activation) === key);
}

function stateOf(key: ViewedKey, current: ViewedKey | undefined, next: ViewedKey | undefined, now: Instant): KeyState {
  if (key.revoked) return 'revoked';
  if (key.unwraps === 'no') return 'unreadable';
  if (key === current) return 'default';
  if (isUpTo(key.expiration, now)) return 'expired';
  return key === next ? 'next' : 'active';
}

function describeKey(key: ViewedKey, state: KeyState, ring: KeyRing): KeyReport {
  return {
    id: key.id,
    state,
    created: key.creation.toString(),
    activated: key.activation.toString(),
    expires: key.expiration.toString(),
    revoked: revokedAt(ring, key)?.toString() ?? null,
    protection: key.protection.kind,
    protectorVersion: versionOf(key.protection) ?? null,
    madeBy: isMarkedAsOurs(key.element.xml) ? 'token-cache-maintenance' : 'app',
    unwraps: key.unwraps === 'unknown' ? null : key.unwraps === 'yes',
  };
}
