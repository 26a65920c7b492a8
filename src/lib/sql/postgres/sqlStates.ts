import type { ErrorCode } from '../../errorCodes.ts';
import { type Explanation, type FailureKind, ofKind } from '../cacheTableError.ts';

const unexpected =
  'The statement is one of this tool: please report it with the text above, and the version of the server.';
const routine =
  'A trigger, rule or function on {table} fails. Correct it, or take it off the table: a cache table needs none (`token-cache diagnose` names what was added).';
const connection = ofKind.transient[2];
const damage =
  'The server found its own data damaged, or failed inside. Look into its log; check the table with amcheck, and have a backup at hand. A cache may also be emptied: TRUNCATE {table} costs everybody a sign-in.';
const otherTable =
  'Look whether TOKEN_CACHE_TABLE names the table of the cache, and whether a trigger or rule on {table} names something that is gone.';

const explanations = new Map<string, Explanation>();
/** By a SQLSTATE, or by its class: the first two characters (PostgreSQL manual, appendix A). */
const known = (kind: FailureKind, code: ErrorCode, advice: Record<string, string>) => {
  for (const [sqlState, text] of Object.entries(advice)) explanations.set(sqlState, [kind, code, text]);
};

known('permanent', 'database_error', {
  '00': `The server says that it succeeded. ${unexpected}`,
  '01': `A warning came as an error: something on the way raised it, most often a trigger. ${routine}`,
  '0B': unexpected,
  24: unexpected,
  '2B': 'Other objects depend on this one. Look at what was added to {table} (`token-cache diagnose`), and take it away first.',
  '2D': `Something on {table} ends the transaction of the run. ${routine}`,
  34: unexpected,
  42: `The statement does not fit this table or server. ${otherTable}`,
  54: `A limit of the server was exceeded. ${routine}`,
  55: 'The table is not in a state in which this can be done. Look at what was added to {table} (`token-cache diagnose`).',
  58: 'The operating system of the server failed. Look into the log of the server: disk, files, memory.',
  F0: 'A configuration file of the server is wrong. Look into the log of the server.',
  XX: damage,
  42704: `A type, role or other object is not there. ${otherTable}`,
  42883: `A function or operator is not there: columns may have other types than the library gives them (\`token-cache diagnose\`). ${otherTable}`,
});
known('rows', 'row_refused', {
  '02': routine,
  '09': routine,
  '0F': routine,
  '0Z': routine,
  10: routine,
  20: routine,
  21: routine,
  22: `A value in {table}, or in what a trigger does with it, does not fit its type. ${routine}`,
  23: 'A constraint keeps these rows. Take the reference or the constraint away, or let it cascade.',
  27: `A BEFORE trigger changes the rows that are being deleted. ${routine}`,
  '2F': routine,
  38: routine,
  39: routine,
  '3B': routine,
  44: 'A view with WITH CHECK OPTION stands in between. Set TOKEN_CACHE_TABLE to the table itself.',
  P0: 'A trigger on {table} refuses these rows: the text above is its own. Correct the trigger, or take it off the table.',
  22021:
    'A value has characters that the encoding of the database does not know. Look at the encoding of {table} and of the client.',
  23001: 'A foreign key keeps these rows (ON DELETE RESTRICT). Make it ON DELETE CASCADE, or take it away.',
  23503:
    'Another table refers to these rows. Make its foreign key ON DELETE CASCADE, or take it away: a cache entry may go at any time.',
  40002: 'A deferred constraint keeps these rows. Take the constraint away, or let it cascade.',
  55000:
    'A table or partition that publishes deletes has no replica identity: ALTER TABLE … REPLICA IDENTITY USING INDEX, or FULL; or take it out of the publication.',
});
known('transient', 'database_unavailable', {
  '03': 'The server has not finished the statement before. The next run tries again.',
  '08': connection,
  40: 'The server gave the transaction up for others at work. If it stays so: look into pg_stat_activity for what else writes to {table}.',
  53: 'The server is short of something. If it stays so: give it more, or less to do at this hour (SCHEDULE_PURGE).',
  57: 'Somebody, or the server itself, ended the session. If it stays so: look into the log of the server.',
  '08P01': `Something on the way does not speak PostgreSQL as the driver does. ${connection}`,
  '25P03': '',
  53200:
    'The server is out of memory, or of lock entries. Raise max_locks_per_transaction where {table} has many partitions; else give the server more memory.',
  53400: 'A limit in the configuration of the server was reached, such as temp_file_limit. Raise it for {role}.',
  '57P03': 'The server is starting, stopping or recovering. The next try may find it ready.',
  '57P05': '',
});
known('permanent', 'feature_unsupported', {
  '0A': 'The server, or a pooler or extension on the way, does not do this for {table}. See which kind of table it is (`token-cache diagnose`), and connect to a PostgreSQL server itself.',
});
known('permanent', 'permission_missing', {
  '0L': 'The role {role} may not grant what is asked. Have the owner of {table} do it.',
});
known('permanent', 'login_failed', {
  '0P': 'The role {role} is not what the server expects. Check `Username=`, and a `role` set for it by ALTER ROLE.',
  28: 'Check user and password of the connection string. For Entra authentication leave the password out, and create {role} with pgaadauth_create_principal.',
});
known('transient', 'database_error', {
  25: 'The transaction was not in the state that the statement needs, as behind a pooler that mixes sessions. Connect to the port of the server itself.',
  '25P02': 'An earlier statement of the transaction failed. The next try begins anew.',
});
known('transient', 'pooler_unsuitable', {
  26: 'A prepared statement is not known in this session: a pooler gave it to another. Let it pool by transaction or session, or connect to the port of the server itself.',
});
known('permanent', 'database_missing', {
  '3D': 'Check `Database=` in the connection string.',
  '57P04': 'The database was dropped. Check `Database=` in the connection string.',
});
known('permanent', 'table_missing', {
  '3F': "Set TOKEN_CACHE_TABLE to the cache's table; the schema of {table} is not in this database.",
  '42P01': "Set TOKEN_CACHE_TABLE to the cache's table; {table} is not in this database.",
});
known('permanent', 'table_unsuitable', {
  HV: 'A foreign table stands behind {table}. Run the tool against the database that holds the rows.',
  42809:
    'Something of another kind, such as a view or a sequence, stands under the name {table}. Set TOKEN_CACHE_TABLE to the table itself.',
  '42P17':
    'The definition of {table}, or of an index or partition of it, does not allow this. Look at its partitions (\\d+).',
});
known('permanent', 'database_read_only', {
  25006:
    'This is a read-only replica, or the server is out of space, or the role is read-only (default_transaction_read_only). Connect to the primary.',
});
known('timeLimit', 'statement_timeout', {
  '25P04': '',
  57014: '',
});
known('lock', 'lock_in_the_way', {
  '40P01':
    'Two sessions waited for each other. If it stays so: look into pg_stat_activity for what else deletes from {table}.',
  '55P03': ofKind.lock[2],
});
known('permanent', 'column_missing', {
  42703:
    'The columns of {table} are not those of Microsoft.Extensions.Caching.Postgres: it needs the columns id, value and expiresattime.',
});
known('permanent', 'disk_full', {
  53100: 'The server is out of disk. Add storage; deleting needs some space itself.',
});
known('transient', 'connection_limit', {
  53300:
    'No connection was free. A run needs up to five at once: raise CONNECTION LIMIT of the role or database, or max_connections, or let apps pool theirs.',
});
known('transient', 'lock_in_the_way', {
  55006: 'Another session uses the object. Look into pg_stat_activity for it.',
});

/** What is known of a SQLSTATE; undefined where not even its class is known. */
export function explanationOf(sqlState: string): Explanation | undefined {
  return explanations.get(sqlState) ?? explanations.get(sqlState.slice(0, 2));
}
