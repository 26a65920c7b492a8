import type { ConsumerVersion } from './consumerVersions.ts';
import { compareInstants, type Instant } from './instants.ts';
import type { StoredElement } from './keyRingStore.ts';

/**
 * A key ring as its consumers read it (ASP.NET Core's XmlKeyManager). Plain data but for the elements, which keep their
 * text sealed.
 */
export interface KeyRing {
  /** In the order of the store. Ids are in lower case. */
  keys: RingKey[];
  revocations: Revocation[];
  /** Elements that .NET passes over: neither key nor revocation, or a key without an id or dates. They are kept as they are. */
  foreign: ForeignElement[];
  /** What takes every consumer down at its next refresh. */
  damage: Damage[];
}

/** What protects the secret of a key, as far as the key itself says. */
export type Protection =
  /** The master key stands there for everyone to read. */
  | { kind: 'none' }
  | { kind: 'keyVault'; keyId: string; decryptorType: string }
  | { kind: 'certificate'; thumbprint: string; decryptorType: string }
  | { kind: 'unknown'; decryptorType: string };

export interface RingKey {
  id: string;
  creation: Instant;
  activation: Instant;
  expiration: Instant;
  protection: Protection;
  deserializerType: string;
  /** Why no consumer can use it, whatever protects it. .NET sees such a key all the same: it may be the latest activated. */
  defect: string | undefined;
  /** Why this tool cannot tell whether consumers can use it. */
  doubt: string | undefined;
  /** False where one of its dates has no zone: .NET then takes the local time of the app. */
  hasZone: boolean;
  element: StoredElement;
}

export interface Revocation {
  date: Instant | undefined;
  /** The key's id, or `*` for every key created before `date`. */
  key: string;
  /** False where the date of a revocation of all has no zone. */
  hasZone: boolean;
  element: StoredElement;
}

export interface ForeignElement {
  name: string;
  /** Why it is not a key or revocation. */
  reason: string;
  element: StoredElement;
}

export interface Damage {
  kind: 'notWellFormed' | 'duplicateKey' | 'unreadableRevocation' | 'notJudged';
  /** Where it stands, and what it is; no text of the ring. */
  message: string;
  /** The first version of ASP.NET Core that throws on it. */
  since: ConsumerVersion;
}

/** Whether consumers hold the key to be revoked: by its id, or since it was created strictly before a revocation of all. */
export function isRevoked(ring: KeyRing, key: { id: string; creation: Instant }): boolean {
  return ring.revocations.some((revocation) => hits(revocation, key));
}

/** The date of the first revocation that hits the key; undefined where none does, or none has a date. */
export function revokedAt(ring: KeyRing, key: { id: string; creation: Instant }): Instant | undefined {
  return ring.revocations
    .flatMap((revocation) => (hits(revocation, key) && revocation.date) || [])
    .sort(compareInstants)[0];
}

export function hits(
  { key, date }: Pick<Revocation, 'key' | 'date'>,
  { id, creation }: { id: string; creation: Instant },
): boolean {
  if (key !== '*') return key === id;
  return date !== undefined && creation.epochNanoseconds < date.epochNanoseconds;
}
