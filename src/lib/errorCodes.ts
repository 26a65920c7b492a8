/** How a run with this error ended: it failed, it was refused (the caller's or the ring's no), or it was stopped from outside. */
type Ending = 'failed' | 'refused' | 'aborted';

interface ErrorCodeFacts {
  /** What HTTP answers. */
  status: number;
  outcome: Ending;
  /** What it means, and what to do: in general, for the reference. An error itself says more. */
  what: string;
  advice: string;
}

const ending = (outcome: Ending) => (status: number, what: string, advice: string) =>
  ({ status, outcome, what, advice }) satisfies ErrorCodeFacts;
const failed = ending('failed');
const refused = ending('refused');
const aborted = (what: string, advice: string) => ending('aborted')(503, what, advice);
/** The database, Redis, store or vault said no: somebody must see to it. */
const fails = (what: string, advice: string) => failed(502, what, advice);
/** It was not available, and may be soon. */
const passes = (what: string, advice: string) => failed(503, what, advice);

/** Any job on a SQL cache may end with these, by what its server says. */
const databaseCodes = {
  login_failed: fails(
    'Wrong password, no user for the identity in the database, or no Entra token.',
    'Run `token-cache grant`; check the identity.',
  ),
  firewall: fails('The server does not accept this address; the text names it.', 'Let it in.'),
  host_not_found: fails(
    'The name of the server does not resolve.',
    'Check the name, and the private DNS zone of the network.',
  ),
  tls_certificate: fails(
    'The certificate of the server is not trusted, or for another name.',
    'Name the server as its certificate does.',
  ),
  encryption_mismatch: fails(
    '`Encrypt=` asks for what the server does not offer, or the other way round.',
    'Make both say the same.',
  ),
  database_missing: fails('The server has no such database.', 'Correct the connection string.'),
  database_read_only: fails('The database is a replica, or has been made read-only.', 'Name the primary.'),
  database_unavailable: passes('A failover, throttling or an outage.', 'Nothing at once: the next run tries again.'),
  database_error: fails('Anything else that the database said; the text has its number.', 'Look the number up.'),
  table_missing: fails(
    'The table is not in this database.',
    'Correct `TOKEN_CACHE_TABLE`, or let the web app make the table.',
  ),
  column_missing: fails('The table is of another kind.', 'Correct `TOKEN_CACHE_TABLE`.'),
  table_unsuitable: fails(
    'A view, a foreign table, a column of another type: the text says which.',
    'Name the table of the cache library.',
  ),
  feature_unsupported: fails('The server lacks what the job needs.', 'Use what the text names.'),
  pooler_unsuitable: fails('A pooler in statement mode stands in between.', 'Use transaction or session mode.'),
  row_refused: fails(
    'A constraint or trigger keeps rows; the text names it.',
    'Remove it: entries may go at any time.',
  ),
  permission_missing: fails('The login lacks a right; the text has the GRANT.', 'Run it, or `token-cache grant`.'),
  offline_build_refused: fails(
    'The edition builds indexes offline alone, and the table is large.',
    'Build the index in a quiet hour, or raise `EXPIRY_INDEX_OFFLINE_ROW_LIMIT`.',
  ),
  index_name_taken: fails('Another index has the name.', 'Set `EXPIRY_INDEX_NAME`.'),
  index_build_in_the_way: fails(
    'Another index of the table is being built or rebuilt, or its build is paused.',
    'Let it end, or end it.',
  ),
  index_lost: fails('The index that was built is gone.', 'Look for who dropped it, then run `index`.'),
  lock_in_the_way: passes('A long transaction of somebody else.', 'End that session; the next run tries again.'),
  statement_timeout: passes(
    'A statement did not end within `STATEMENT_TIMEOUT`.',
    'Look at what the database waits for.',
  ),
  disk_full: fails("The database's storage is full.", 'Enlarge it.'),
  log_full: fails('The transaction log is full.', 'Back the log up, or enlarge it.'),
  connection_limit: fails('Too many connections.', 'Find the app that opens one per request.'),
} satisfies Record<string, ErrorCodeFacts>;

/** Any job on a Redis cache. */
const redisCodes = {
  redis_unreachable: passes(
    'A node cannot be reached; the text has the step.',
    'See the [steps](../runbook/redis.md#redis-unreachable). After a failed clear: run it again.',
  ),
  redis_command_refused: fails(
    'A right is missing, or the server does not know the command.',
    'Give the user the [rights](rights.md#redis).',
  ),
} satisfies Record<string, ErrorCodeFacts>;

/** Any job on a key ring, by its store and what protects its keys; one in a table with those of a database too. */
const ringCodes = {
  key_ring_damaged: fails(
    'The ring is not well-formed XML, has a key twice or an unreadable revocation: apps fail too.',
    '[Repair it](../runbook/key-ring-damage.md).',
  ),
  key_ring_emptied: fails(
    'The ring had keys by the records and has none.',
    'See [ring_emptied](../runbook/key-ring-damage.md#ring_emptied).',
  ),
  key_ring_container_missing: fails('There is no such container, folder or table.', 'Correct `KEY_RINGS`.'),
  key_ring_forbidden: fails('A right on the store is missing; the text names it.', 'Give it to the identity.'),
  key_ring_unavailable: passes(
    'The store of the ring did not answer within 15 s.',
    'Nothing at once: the next run tries again. Where the text says that the change was or may have been written, `key-ring status` first.',
  ),
  key_ring_leased: fails(
    'Somebody holds a lease or a lock; that of a killed run goes after 30 s.',
    'Try again; break the lease of whoever is gone.',
  ),
  key_ring_busy: fails('Somebody else wrote at each attempt.', 'Find the other writer.'),
  key_protected_otherwise: fails(
    'A key is protected by something that the settings do not name.',
    "Make `protector` the apps' own.",
  ),
  key_unreadable: fails(
    'A key does not decrypt, or lacks what .NET needs of it.',
    'Enable or recover its Key Vault key version; else revoke it.',
  ),
  key_unproven: fails(
    'A new key did not unprotect again, and was not published.',
    'Check the protector; then report it.',
  ),
  key_vault_forbidden: fails(
    'A right on the Key Vault key is missing; the text has the role.',
    'Give it to the identity.',
  ),
  key_vault_unavailable: passes('Key Vault did not answer within 15 s.', 'Nothing at once: the next run tries again.'),
  key_vault_unsuitable: fails('The key is not an RSA key, or may not be used for wrapKey.', 'Name another key.'),
  key_vault_no_version: fails('No version of the Key Vault key wraps.', 'Create one.'),
  key_vault_expired: fails(
    'The version has expired, or is not active yet.',
    'Create a new one, then `key-ring rewrap`.',
  ),
  certificate_unreadable: fails(
    "The certificate's file or its password does not fit.",
    'Correct the file or the setting.',
  ),
  certificate_without_key: fails('The certificate has no private key.', 'Put the file with it in place.'),
} satisfies Record<string, ErrorCodeFacts>;

/** Every error code there is. Codes stay the same over versions; docs/reference/errors.md is made from these. */
export const errorCodes = {
  settings_invalid: passes('A setting is wrong or missing; the text names each.', 'Correct the settings.'),
  app_unreadable: refused(
    400,
    '`diagnose --app`: no folder, .zip or source file, or no right to read it.',
    "Give the path of the web app's source.",
  ),
  connection_string_invalid: fails('The connection string is not one of its client.', "Copy the web app's own."),
  table_name_invalid: fails(
    "The table's name cannot be read.",
    'Correct `TOKEN_CACHE_TABLE`; delimit what is not a plain name.',
  ),
  ...databaseCodes,
  ...redisCodes,
  ...ringCodes,
  resource_metrics_unavailable: fails(
    'Azure Monitor does not answer for the resource.',
    'Check `TOKEN_CACHE_RESOURCE_ID` and the role Monitoring Reader.',
  ),
  app_workspace_forbidden: fails(
    "The identity may not read the web app's workspace.",
    'Give it the role Log Analytics Data Reader there.',
  ),
  app_workspace_missing: fails('There is no such workspace.', "Correct `workspace` of the cache's `app`."),
  app_workspace_busy: passes('The workspace refuses queries for now.', 'Nothing: the next look asks again.'),
  app_workspace_unavailable: passes('The workspace gave no answer.', 'Nothing at once: the next look asks again.'),
  queue_unavailable: passes(
    'The queue in the storage account of the function app cannot be reached.',
    'Check its network rules, and the role that the text names.',
  ),
  slots_unavailable: passes(
    'The places at the servers, in that storage account, cannot be read.',
    'As `queue_unavailable`.',
  ),
  records_unavailable: passes(
    'The records of runs cannot be read.',
    "Check the storage account's network rules, and the role Storage Table Data Contributor.",
  ),
  message_invalid: fails(
    'This version cannot read a message of the work queue.',
    'See [the poison queue](../runbook/queue.md#messages-in-the-poison-queue).',
  ),
  run_lost: fails('The run was not done within a day, and given up.', 'See [the work queue](../runbook/queue.md).'),
  run_dropped: fails('The message of the run was dropped.', 'Ask for the run again.'),
  internal_error: failed(500, 'A defect of this project.', 'Report it with the run id.'),

  // Steps of a connection, as the diagnosis tells them apart.
  name_no_answer: fails('The name server does not answer.', 'Check the DNS of the network.'),
  tcp_no_answer: fails('Packets are dropped.', 'Check firewall, network security group and private endpoint.'),
  tcp_refused: fails('A wrong port, or the server does not run.', 'Correct the port.'),
  tcp_unreachable: fails('There is no way to the server.', 'Check routes and private endpoint.'),
  tls_no_answer: fails('The port does not speak TLS, or not to us.', 'Make port and encryption fit.'),
  tls_not_offered: fails('The server offers no encryption.', 'Correct `Encrypt=`, `SSL Mode=` or `ssl=`.'),
  tls_mismatch: fails('Port and encryption do not fit.', 'Redis: `ssl=True` on 6380.'),
  tls_version: fails('No common version of TLS.', 'Raise the older side.'),
  certificate_expired: fails("The server's certificate has expired.", 'Renew it.'),
  certificate_name: fails('The certificate is for another name.', 'Name the server as its certificate does.'),
  certificate_untrusted: fails('Its authority is not trusted here.', 'Name the authority (`REDIS_CA_FILE`, `SSL CA`).'),
  login_no_answer: fails('The server does not answer the login.', 'Look at its load.'),
  login_cut_off: fails('The line ends during the login.', 'Look for a restart, a proxy, or another kind of server.'),
  secret_expired: fails('A client secret or password has expired.', 'Renew it.'),
  connection_failed: fails('The connection failed in another way; the text says how.', 'See the check `connection`.'),
  database_paused: passes('A serverless database resumes.', 'Try again in a minute.'),
  database_no_answer: fails('The database does not answer.', 'Look at its state.'),
  table_no_answer: fails('A lock holds the table.', 'Find who holds it.'),
  no_redis_answer: fails('The port is not that of a Redis.', 'Correct it.'),
  cluster_moved: fails('The node sends elsewhere.', 'Name an endpoint of the cluster itself.'),
  server_busy: fails('A script runs for long.', '`SCRIPT KILL`.'),
  server_loading: passes('The server loads its data.', 'Wait.'),

  aborted: aborted('The run was stopped.', 'Run it again.'),
  run_aborted: aborted('The instance was stopped before anything was written.', 'Nothing: the next run does it.'),
  watch_aborted: aborted('The instance was stopped in mid-look.', 'Nothing: the next run looks again.'),

  cache_required: refused(400, 'There are several caches, and none is named.', 'Name one: `cache`, `--cache`.'),
  cache_unknown: refused(404, 'The settings have no such cache.', 'Correct the name.'),
  engine_unsuitable: refused(400, 'The job is not for this kind of cache.', 'Choose another cache.'),
  app_unknown: refused(404, 'The cache names no web app.', 'Give it `app`.'),
  purge_request_invalid: refused(400, 'An option of the purge is wrong.', 'See `purge --help`.'),
  confirmation_wrong: refused(400, "The confirmation is not the subject's name.", 'Repeat the name.'),
  user_name_taken: refused(
    409,
    '`grant`: the database has a user of that name, for somebody else.',
    'Choose another name, or `--replace`.',
  ),
  instance_name_missing: refused(
    409,
    'A Redis cache without a prefix is not cleared: its entries cannot be told from other data.',
    'Set `instanceName`.',
  ),
  prefix_ambiguous: refused(
    409,
    'Under the prefix of the Redis cache lie entries of another.',
    'See the plan; `--all-prefixes` takes them all.',
  ),
  rings_unreadable: refused(
    409,
    '`clear --unreadable`: a key ring does not tell which entries can be read; nothing was removed.',
    'Run `key-ring status`.',
  ),
  key_ring_observed: refused(409, 'The ring is in mode `observe`.', 'Let the apps do it, or set `manage`.'),
  key_ring_unknown: refused(404, 'The settings have no such ring.', 'Correct the name.'),
  key_unknown: refused(404, 'The ring has no such key.', 'See `key-ring status`.'),
  revocation_in_future: refused(400, 'The time of the revocation is yet to come.', 'Give one that is past.'),
  revocation_ahead: fails(
    'A revocation of all is dated far ahead: a new key would be born revoked.',
    'See [revocation_ahead](../runbook/key-ring-damage.md#revocation_ahead).',
  ),
  reason_unwritable: refused(400, 'The reason holds a character that XML forbids.', 'Leave it out.'),
  run_in_progress: refused(409, 'A purge or a clear holds the cache; `run` has its id and progress.', 'Wait for it.'),
  run_unknown: refused(404, 'No run has that id, or its record has been removed (90 days).', 'See `GET /api/runs`.'),
  clear_not_allowed: refused(403, '`ALLOW_CLEAR` is not `true`.', 'Set it, and remove it afterwards.'),
  role_missing: refused(403, 'Easy Auth is on, and the caller lacks the app role.', 'Assign it.'),
  request_invalid: refused(400, 'A request over HTTP is wrong; `errors` names the fields.', 'See [HTTP](http.md).'),
  json_invalid: refused(400, 'The body is not JSON, or empty.', 'Send a JSON object with its `Content-Length`.'),
  body_too_large: refused(413, 'The body is over 16 KiB.', 'Send less.'),
  content_type_unsupported: refused(415, 'The body is not declared as JSON.', 'Send `Content-Type: application/json`.'),
  not_acceptable: refused(406, '`Accept` takes neither JSON nor HTML.', 'Correct it.'),
  too_many_requests: refused(
    429,
    '4 runs, one diagnosis and 8 reads are worked on at once in an instance; 200 of each wait for 30 s at most.',
    'Ask again after `Retry-After`.',
  ),
} satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

const namesOf = <C extends ErrorCode>(codes: Record<C, ErrorCodeFacts>) => Object.keys(codes) as C[];

/** What a job may end with, by what it works on. */
export const codesOf = {
  database: namesOf(databaseCodes),
  redis: namesOf(redisCodes),
  ring: namesOf(ringCodes),
};

/** What is known of a code; one of another version counts as a failure. */
export function factsOf(code: string): Pick<ErrorCodeFacts, 'status' | 'outcome'> {
  return (errorCodes as Record<string, ErrorCodeFacts>)[code] ?? { status: 502, outcome: 'failed' };
}
