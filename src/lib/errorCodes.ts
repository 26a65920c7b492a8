/** How a run with this error ended: it failed, it was refused (the caller's or the ring's no), or it was stopped from outside. */
type Ending = 'failed' | 'refused' | 'aborted';

interface ErrorCodeFacts {
  /** What HTTP answers. */
  status: number;
  outcome: Ending;
}

const failed = (status: number): ErrorCodeFacts => ({ status, outcome: 'failed' });
const refused = (status: number): ErrorCodeFacts => ({ status, outcome: 'refused' });
const aborted: ErrorCodeFacts = { status: 503, outcome: 'aborted' };

/** The database, Redis, store or vault said no: somebody must see to it. */
const needsSomebody = failed(502);
/** It was not available, and may be soon. */
const passes = failed(503);

/** Every error code there is. Codes stay the same over versions; docs/reference/errors.md explains each. */
export const errorCodes = {
  settings_invalid: passes,
  app_unreadable: refused(400),
  connection_string_invalid: needsSomebody,
  table_name_invalid: needsSomebody,
  login_failed: needsSomebody,
  firewall: needsSomebody,
  host_not_found: needsSomebody,
  tls_certificate: needsSomebody,
  encryption_mismatch: needsSomebody,
  database_missing: needsSomebody,
  database_read_only: needsSomebody,
  database_unavailable: passes,
  database_error: needsSomebody,
  table_missing: needsSomebody,
  column_missing: needsSomebody,
  table_unsuitable: needsSomebody,
  feature_unsupported: needsSomebody,
  pooler_unsuitable: needsSomebody,
  row_refused: needsSomebody,
  permission_missing: needsSomebody,
  offline_build_refused: needsSomebody,
  index_name_taken: needsSomebody,
  index_build_in_the_way: needsSomebody,
  index_lost: needsSomebody,
  lock_in_the_way: passes,
  statement_timeout: passes,
  disk_full: needsSomebody,
  log_full: needsSomebody,
  redis_unreachable: passes,
  redis_command_refused: needsSomebody,
  resource_metrics_unavailable: needsSomebody,
  app_workspace_forbidden: needsSomebody,
  app_workspace_missing: needsSomebody,
  app_workspace_busy: passes,
  app_workspace_unavailable: passes,
  key_ring_damaged: needsSomebody,
  key_ring_emptied: needsSomebody,
  key_ring_container_missing: needsSomebody,
  key_ring_forbidden: needsSomebody,
  key_ring_unavailable: passes,
  key_ring_leased: needsSomebody,
  key_ring_busy: needsSomebody,
  key_protected_otherwise: needsSomebody,
  key_unreadable: needsSomebody,
  key_unproven: needsSomebody,
  key_vault_forbidden: needsSomebody,
  key_vault_unavailable: passes,
  key_vault_unsuitable: needsSomebody,
  key_vault_no_version: needsSomebody,
  key_vault_expired: needsSomebody,
  certificate_unreadable: needsSomebody,
  certificate_without_key: needsSomebody,
  queue_unavailable: passes,
  slots_unavailable: passes,
  records_unavailable: passes,
  message_invalid: needsSomebody,
  run_lost: needsSomebody,
  run_dropped: needsSomebody,
  internal_error: failed(500),

  // Steps of a connection, as the diagnosis tells them apart.
  name_no_answer: needsSomebody,
  tcp_no_answer: needsSomebody,
  tcp_refused: needsSomebody,
  tcp_unreachable: needsSomebody,
  tls_no_answer: needsSomebody,
  tls_not_offered: needsSomebody,
  tls_mismatch: needsSomebody,
  tls_version: needsSomebody,
  certificate_expired: needsSomebody,
  certificate_name: needsSomebody,
  certificate_untrusted: needsSomebody,
  login_no_answer: needsSomebody,
  login_cut_off: needsSomebody,
  secret_expired: needsSomebody,
  connection_failed: needsSomebody,
  connection_limit: needsSomebody,
  database_paused: passes,
  database_no_answer: needsSomebody,
  table_no_answer: needsSomebody,
  no_redis_answer: needsSomebody,
  cluster_moved: needsSomebody,
  server_busy: needsSomebody,
  server_loading: passes,

  aborted,
  run_aborted: aborted,
  watch_aborted: aborted,

  cache_required: refused(400),
  cache_unknown: refused(404),
  engine_unsuitable: refused(400),
  app_unknown: refused(404),
  purge_request_invalid: refused(400),
  confirmation_wrong: refused(400),
  user_name_taken: refused(409),
  instance_name_missing: refused(409),
  prefix_ambiguous: refused(409),
  rings_unreadable: refused(409),
  key_ring_observed: refused(409),
  key_ring_unknown: refused(404),
  key_unknown: refused(404),
  revocation_in_future: refused(400),
  revocation_ahead: needsSomebody,
  reason_unwritable: refused(400),
  run_in_progress: refused(409),
  run_unknown: refused(404),
  clear_not_allowed: refused(403),
  role_missing: refused(403),
  request_invalid: refused(400),
  json_invalid: refused(400),
  body_too_large: refused(413),
  content_type_unsupported: refused(415),
  not_acceptable: refused(406),
  too_many_requests: refused(429),
} satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

/** What is known of a code; one of another version counts as a failure. */
export function factsOf(code: string): ErrorCodeFacts {
  return (errorCodes as Record<string, ErrorCodeFacts>)[code] ?? needsSomebody;
}
