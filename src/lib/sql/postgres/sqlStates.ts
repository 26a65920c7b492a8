import type { ErrorCode } from '../../errorCodes.ts';
import type { FailureKind } from '../cacheTableError.ts';

/** What a failure is to the run, its stable code, and what to do; `{table}` and `{role}` stand for their names. */
export type Explanation = readonly [kind: FailureKind, code: ErrorCode, advice: string];

const unexpected =
  'The statement is one of this tool: please report it with the text above, and the version of the server.';
const routine =
  'A trigger, rule or function on {table} fails. Correct it, or take it off the table: a cache table needs none (`token-cache diagnose` names what was added).';
const connection =
  'The database or the way to it was not available. If it stays so: check host, port, firewall and the state of the server.';
const damage =
  'The server found its own data damaged, or failed inside. Look into its log; check the table with amcheck, and have a backup at hand. A cache may also be emptied: TRUNCATE {table} costs everybody a sign-in.';
const otherTable =
  'Look whether TOKEN_CACHE_TABLE names the table of the cache, and whether a trigger or rule on {table} names something that is gone.';

/** By class: the first two characters of a SQLSTATE (PostgreSQL manual, appendix A). */
const classes: Record<string, Explanation> = {
  '00': ['permanent', 'database_error', `The server says that it succeeded. ${unexpected}`],
  '01': [
    'permanent',
    'database_error',
    `A warning came as an error: something on the way raised it, most often a trigger. ${routine}`,
  ],
  '02': ['rows', 'row_refused', routine],
  '03': [
    'transient',
    'database_unavailable',
    'The server has not finished the statement before. The next run tries again.',
  ],
  '08': ['transient', 'database_unavailable', connection],
  '09': ['rows', 'row_refused', routine],
  '0A': [
    'permanent',
    'feature_unsupported',
    'The server, or a pooler or extension on the way, does not do this for {table}. See which kind of table it is (`token-cache diagnose`), and connect to a PostgreSQL server itself.',
  ],
  '0B': ['permanent', 'database_error', unexpected],
  '0F': ['rows', 'row_refused', routine],
  '0L': [
    'permanent',
    'permission_missing',
    'The role {role} may not grant what is asked. Have the owner of {table} do it.',
  ],
  '0P': [
    'permanent',
    'login_failed',
    'The role {role} is not what the server expects. Check `Username=`, and a `role` set for it by ALTER ROLE.',
  ],
  '0Z': ['rows', 'row_refused', routine],
  '10': ['rows', 'row_refused', routine],
  '20': ['rows', 'row_refused', routine],
  '21': ['rows', 'row_refused', routine],
  '22': [
    'rows',
    'row_refused',
    `A value in {table}, or in what a trigger does with it, does not fit its type. ${routine}`,
  ],
  '23': [
    'rows',
    'row_refused',
    'A constraint keeps these rows. Take the reference or the constraint away, or let it cascade.',
  ],
  '24': ['permanent', 'database_error', unexpected],
  '25': [
    'transient',
    'database_error',
    'The transaction was not in the state that the statement needs, as behind a pooler that mixes sessions. Connect to the port of the server itself.',
  ],
  '26': [
    'transient',
    'pooler_unsuitable',
    'A prepared statement is not known in this session: a pooler gave it to another. Let it pool by transaction or session, or connect to the port of the server itself.',
  ],
  '27': ['rows', 'row_refused', `A BEFORE trigger changes the rows that are being deleted. ${routine}`],
  '28': [
    'permanent',
    'login_failed',
    'Check user and password of the connection string. For Entra authentication leave the password out, and create {role} with pgaadauth_create_principal.',
  ],
  '2B': [
    'permanent',
    'database_error',
    'Other objects depend on this one. Look at what was added to {table} (`token-cache diagnose`), and take it away first.',
  ],
  '2D': ['permanent', 'database_error', `Something on {table} ends the transaction of the run. ${routine}`],
  '2F': ['rows', 'row_refused', routine],
  '34': ['permanent', 'database_error', unexpected],
  '38': ['rows', 'row_refused', routine],
  '39': ['rows', 'row_refused', routine],
  '3B': ['rows', 'row_refused', routine],
  '3D': ['permanent', 'database_missing', 'Check `Database=` in the connection string.'],
  '3F': [
    'permanent',
    'table_missing',
    "Set TOKEN_CACHE_TABLE to the cache's table; the schema of {table} is not in this database.",
  ],
  '40': [
    'transient',
    'database_unavailable',
    'The server gave the transaction up for others at work. If it stays so: look into pg_stat_activity for what else writes to {table}.',
  ],
  '42': ['permanent', 'database_error', `The statement does not fit this table or server. ${otherTable}`],
  '44': [
    'rows',
    'row_refused',
    'A view with WITH CHECK OPTION stands in between. Set TOKEN_CACHE_TABLE to the table itself.',
  ],
  '53': [
    'transient',
    'database_unavailable',
    'The server is short of something. If it stays so: give it more, or less to do at this hour (SCHEDULE_PURGE).',
  ],
  '54': ['permanent', 'database_error', `A limit of the server was exceeded. ${routine}`],
  '55': [
    'permanent',
    'database_error',
    'The table is not in a state in which this can be done. Look at what was added to {table} (`token-cache diagnose`).',
  ],
  '57': [
    'transient',
    'database_unavailable',
    'Somebody, or the server itself, ended the session. If it stays so: look into the log of the server.',
  ],
  '58': [
    'permanent',
    'database_error',
    'The operating system of the server failed. Look into the log of the server: disk, files, memory.',
  ],
  F0: ['permanent', 'database_error', 'A configuration file of the server is wrong. Look into the log of the server.'],
  HV: [
    'permanent',
    'table_unsuitable',
    'A foreign table stands behind {table}. Run the tool against the database that holds the rows.',
  ],
  P0: [
    'rows',
    'row_refused',
    'A trigger on {table} refuses these rows: the text above is its own. Correct the trigger, or take it off the table.',
  ],
  XX: ['permanent', 'database_error', damage],
};

/** Codes of which more is known than of their class. */
const codes: Record<string, Explanation> = {
  '08P01': [
    'transient',
    'database_unavailable',
    `Something on the way does not speak PostgreSQL as the driver does. ${connection}`,
  ],
  '22021': [
    'rows',
    'row_refused',
    'A value has characters that the encoding of the database does not know. Look at the encoding of {table} and of the client.',
  ],
  '23001': [
    'rows',
    'row_refused',
    'A foreign key keeps these rows (ON DELETE RESTRICT). Make it ON DELETE CASCADE, or take it away.',
  ],
  '23503': [
    'rows',
    'row_refused',
    'Another table refers to these rows. Make its foreign key ON DELETE CASCADE, or take it away: a cache entry may go at any time.',
  ],
  '25006': [
    'permanent',
    'database_read_only',
    'This is a read-only replica, or the server is out of space, or the role is read-only (default_transaction_read_only). Connect to the primary.',
  ],
  '25P02': ['transient', 'database_error', 'An earlier statement of the transaction failed. The next try begins anew.'],
  '25P03': ['transient', 'database_unavailable', ''],
  '25P04': ['timeLimit', 'statement_timeout', ''],
  '40002': [
    'rows',
    'row_refused',
    'A deferred constraint keeps these rows. Take the constraint away, or let it cascade.',
  ],
  '40P01': [
    'lock',
    'lock_in_the_way',
    'Two sessions waited for each other. If it stays so: look into pg_stat_activity for what else deletes from {table}.',
  ],
  '42703': [
    'permanent',
    'column_missing',
    'The columns of {table} are not those of Microsoft.Extensions.Caching.Postgres: it needs the columns id, value and expiresattime.',
  ],
  '42704': ['permanent', 'database_error', `A type, role or other object is not there. ${otherTable}`],
  '42809': [
    'permanent',
    'table_unsuitable',
    'Something of another kind, such as a view or a sequence, stands under the name {table}. Set TOKEN_CACHE_TABLE to the table itself.',
  ],
  '42883': [
    'permanent',
    'database_error',
    `A function or operator is not there: columns may have other types than the library gives them (\`token-cache diagnose\`). ${otherTable}`,
  ],
  '42P01': [
    'permanent',
    'table_missing',
    "Set TOKEN_CACHE_TABLE to the cache's table; {table} is not in this database.",
  ],
  '42P17': [
    'permanent',
    'table_unsuitable',
    'The definition of {table}, or of an index or partition of it, does not allow this. Look at its partitions (\\d+).',
  ],
  '53100': ['permanent', 'disk_full', 'The server is out of disk. Add storage; deleting needs some space itself.'],
  '53200': [
    'transient',
    'database_unavailable',
    'The server is out of memory, or of lock entries. Raise max_locks_per_transaction where {table} has many partitions; else give the server more memory.',
  ],
  '53300': [
    'transient',
    'connection_limit',
    'No connection was free. A run needs up to five at once: raise CONNECTION LIMIT of the role or database, or max_connections, or let apps pool theirs.',
  ],
  '53400': [
    'transient',
    'database_unavailable',
    'A limit in the configuration of the server was reached, such as temp_file_limit. Raise it for {role}.',
  ],
  '55000': [
    'rows',
    'row_refused',
    'A table or partition that publishes deletes has no replica identity: ALTER TABLE … REPLICA IDENTITY USING INDEX, or FULL; or take it out of the publication.',
  ],
  '55006': ['transient', 'lock_in_the_way', 'Another session uses the object. Look into pg_stat_activity for it.'],
  '55P03': [
    'lock',
    'lock_in_the_way',
    'Another session holds locks on the table for long. Look into pg_stat_activity for open transactions.',
  ],
  '57014': ['timeLimit', 'statement_timeout', ''],
  '57P03': [
    'transient',
    'database_unavailable',
    'The server is starting, stopping or recovering. The next try may find it ready.',
  ],
  '57P04': ['permanent', 'database_missing', 'The database was dropped. Check `Database=` in the connection string.'],
  '57P05': ['transient', 'database_unavailable', ''],
};

/** What is known of a SQLSTATE; undefined where not even its class is known. */
export function explanationOf(sqlState: string): Explanation | undefined {
  return codes[sqlState] ?? classes[sqlState.slice(0, 2)];
}
