import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './childProcess.ts';

/** Web apps that compile with the real packages; `test/interop/apps.test.ts` starts them. */

export const samples = join(root, 'test/interop/apps/samples');
export const names = readdirSync(samples).sort();

/** What is wrong with each app that is not sound: nothing else may be found. */
export const faults: Record<string, string[]> = {
  'abort-connect': ['warning app-connection-string abort_connect'],
  'abort-connect-options': ['warning app-connection-string abort_connect'],
  'callback-in-vain': ['warning app-cache-failure callback_waits_in_vain'],
  'callback-throws': ['critical app-cache-failure callback_throws'],
  'certificate-rotation': ['warning app-certificate-rotation certificate_rotation_unprepared'],
  'connection-outside': ['unknown app-connection-string set_outside'],
  'distributed-memory': ['warning app-distributed-cache distributed_memory_cache'],
  'encrypt-own-keys': ['critical app-encryption encrypt_with_own_keys'],
  'encrypt-without-protection': ['critical app-encryption encrypt_without_data_protection'],
  'expiry-past': ['critical app-expiry expiry_in_the_past'],
  'expiry-reckoned-once': ['critical app-expiry expiry_reckoned_once'],
  'expiry-replaces': ['warning app-expiry expiry_replaces_that_of_tokens'],
  'expiry-short': ['warning app-expiry expiry_shorter_than_token'],
  'keys-ephemeral': ['critical app-key-persistence keys_ephemeral'],
  'keys-not-persisted': ['critical app-key-persistence keys_not_persisted'],
  'keys-unprotected': ['warning app-key-protection keys_unprotected'],
  'l1-off': ['warning app-l1-cache l1_cache_off'],
  'l1-too-small': ['critical app-l1-cache size_limit_turns_entries_away'],
  'l1-unbounded': ['warning app-l1-cache l1_cache_unbounded'],
  'later-registration': ['warning app-token-cache later_registration_ignored'],
  'memory-in-production': ['warning app-memory-cache memory_cache_in_production'],
  'memory-limit': ['critical app-l1-cache size_limit_turns_entries_away'],
  'no-application-name': ['warning app-application-name application_name_missing'],
  'no-callback': ['warning app-cache-failure cache_failure_unheard'],
  'no-distributed-cache': ['critical app-distributed-cache no_distributed_cache'],
  'no-expiry-redis': ['warning app-expiry user_entries_never_expire'],
  'no-expiry-sql': ['warning app-expiry sliding_default_short'],
  'no-token-cache': ['critical app-token-cache token_cache_absent'],
  'own-purge': ['warning app-own-purge own_purge_on'],
  'own-purge-postgres': ['warning app-own-purge own_purge_on'],
  'scopes-differ': ['warning app-scopes scopes_not_configured'],
  'several-distributed-caches': ['warning app-distributed-cache several_distributed_caches'],
  'two-registrations': ['critical app-token-cache memory_cache_wins'],
  'unknown-at-run-time': ['unknown app-encryption built_at_run_time', 'unknown app-expiry built_at_run_time'],
  'unknown-condition': ['unknown app-distributed-cache depends_on_condition'],
};
