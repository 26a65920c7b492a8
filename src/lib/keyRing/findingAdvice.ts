/** What to do about each finding; docs/operations.md says more. The code of an error that is a finding brings its own. */
export const adviceOfFindings: Readonly<Record<string, string>> = {
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
  master_key_in_plain_text:
    'Protect the ring with Key Vault or a certificate, in the apps and in KEY_RINGS; then revoke the keys that lay open.',
  protection_none: 'Protect the ring with Key Vault or a certificate, in the apps and in KEY_RINGS.',
  key_unreadable: 'Enable or recover its Key Vault key version or certificate; if it is lost, revoke the key.',
  protector_version_disabled: 'Enable the version, run `key-ring rewrap`, and disable it then.',
  protector_version_expired: 'Create a new version of the Key Vault key, then run `key-ring rewrap`.',
  protector_expires_soon: 'Create a new version of the Key Vault key, or deploy a new certificate, before that day.',
  decryptor_newer: 'Update the Azure Data Protection package of every app to the newest one among them.',
  duplicate_key: 'Repair the ring at once: keep a copy, then remove the second element with that id.',
  revocation_unreadable: 'Repair the ring at once: keep a copy, then correct or remove that element.',
  element_not_well_formed: 'Repair the ring at once: keep a copy, then correct or remove that element.',
  key_passed_over: 'Find out who wrote it. It does no harm, and is kept.',
  foreign_element: 'Nothing, if you know what wrote it. It is kept.',
  clock_skew: 'Check the time synchronisation of this machine, of the store and of the app servers.',
};
