import { byName } from '../../byName.ts';
import type { ErrorCode } from '../../errorCodes.ts';
import type { RingFinding } from './findings.ts';

/** What to do about each finding; docs/runbook says more. */
export const adviceOfFindings = {
  no_default_key:
    'Run `key-ring rotate` at once; a ring in mode observe must be set to manage first, or a key be published by an app.',
  no_default_soon: 'Run `key-ring rotate`, and see why the timer rotateKeyRing did not: its runs and its last start.',
  no_successor: 'Nothing, if the timer rotateKeyRing runs: its next run publishes one. In mode observe the apps must.',
  rotation_stopped:
    'Look at the runs of rotateKeyRing, and whether the function app runs at all; then run `key-ring rotate`.',
  last_usable_key: 'Nothing: this is normal between two rotations.',
  racing_keys: 'Switch automatic key generation off in every app that shares the ring (DisableAutomaticKeyGeneration).',
  activated_at_creation:
    'Switch automatic key generation off in every app that shares the ring (DisableAutomaticKeyGeneration).',
  automatic_generation: 'Find the app that still has automatic key generation on, and switch it off there.',
  'keys-in-plain-text':
    'Protect the ring with Key Vault or a certificate, in the apps and in KEY_RINGS; then revoke the keys that lay open.',
  key_unreadable: 'Enable or recover its Key Vault key version or certificate; if it is lost, revoke the key.',
  protector_version_disabled: 'Enable the version, run `key-ring rewrap`, and disable it then.',
  protector_version_expired: 'Create a new version of the Key Vault key, then run `key-ring rewrap`.',
  'key-version-expires': 'Create a new version of the Key Vault key, or deploy a new certificate, before that day.',
  dpapi_key:
    'Protect the ring with Key Vault or a certificate, in the apps and in KEY_RINGS, before an app moves to Linux.',
  versions_differ:
    'Bring the apps to one version of ASP.NET Core, or correct what is odd in the ring: docs/runbook/key-ring-damage.md.',
  date_without_zone: 'Write the dates with their zone, as 2026-04-21T00:00:00Z, after a copy of the ring.',
  ring_not_seen: 'Wrap it in a root element, as <repository>…</repository>, after a copy; or upload the whole ring.',
  ring_emptied:
    'Restore the ring: blob versions, soft delete, or its last copy. To give its keys up: `key-ring rotate --accept-empty`.',
  revocation_ahead: 'Take that element out of the ring, after a copy, and revoke keys by their ids where it was meant.',
  duplicate_key: 'Repair the ring at once: keep a copy, then remove the second element with that id.',
  revocation_unreadable: 'Repair the ring at once: keep a copy, then correct or remove that element.',
  element_not_well_formed: 'Repair the ring at once: keep a copy, then correct or remove that element.',
  not_judged: 'Look at the ring from an app; then write that element anew, in a form that this tool reads.',
  key_passed_over:
    'Find out who wrote it, and correct or remove it: it protects nothing, and an app may mint in its place.',
  foreign_element: 'Nothing, if you know what wrote it. It is kept.',
  clock_skew: 'Check the time synchronisation of this machine, of the store and of the app servers.',
};

/** Why a key could not be tried: codes of errors, which bring their own advice. */
export const untriedChecks = [
  'key_protected_otherwise',
  'key_vault_forbidden',
  'key_vault_unavailable',
  'key_vault_expired',
  'certificate_without_key',
  'certificate_unreadable',
] as const satisfies readonly ErrorCode[];

/** Every check that a finding of a ring's status can have. */
export type RingCheck = keyof typeof adviceOfFindings | (typeof untriedChecks)[number];
export const ringCheckNames: readonly string[] = [...Object.keys(adviceOfFindings), ...untriedChecks];

/** A finding with the advice of its check, unless it brings its own. */
export function found(check: RingCheck, level: RingFinding['level'], what: string, advice?: string): RingFinding {
  const ofCheck = (adviceOfFindings as Partial<Record<RingCheck, string>>)[check];
  return { check, level, what, advice: advice ?? ofCheck ?? 'See docs/reference/errors.md.' };
}

/** Names that the records of earlier versions hold, and the present ones. */
export const earlierCheckNames = byName<RingCheck>({
  master_key_in_plain_text: 'keys-in-plain-text',
  protection_none: 'keys-in-plain-text',
  protector_expires_soon: 'key-version-expires',
});
