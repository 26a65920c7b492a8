import type { ErrorCode } from '../../errorCodes.ts';
import { type Explanation, type FailureKind, ofKind } from '../cacheTableError.ts';

const explanations = new Map<number, Explanation>();
/** Their kind says what to do. */
const knownByKind = (kind: keyof typeof ofKind, numbers: number[]) => {
  for (const number of numbers) explanations.set(number, ofKind[kind]);
};
/** @param advice by the numbers that it is for */
const known = (kind: FailureKind, code: ErrorCode, advice: Record<string, string>) => {
  for (const [numbers, text] of Object.entries(advice))
    for (const number of numbers.split(' ')) explanations.set(Number(number), [kind, code, text]);
};

// Somebody's lock: deadlock, lock timeout, no lock left to be had; 601: a scan with NOLOCK met moving data; 3960, 3966, 3935:
// a conflict of snapshots; 413xx, 41839: of a memory-optimised table.
knownByKind('lock', [601, 1203, 1205, 1221, 1222, 3935, 3960, 3966, 41301, 41302, 41305, 41325, 41839]);
// Azure SQL ended the session for what its transaction used: fewer rows a batch use less.
knownByKind('lock', [40549, 40550, 40551, 40552, 40553]);

// They pass by themselves (Azure SQL: "Troubleshoot transient connection errors"; SqlServerTransientExceptionDetector.cs of
// EF Core): the database moves, fails over or recovers, a replica changes its role, the service is throttled, memory is short;
// and the states of a server that starts, stops, is paused or updated (sys.messages).
knownByKind(
  'transient',
  [
    64, 121, 233, 615, 617, 669, 701, 802, 844, 845, 904, 921, 922, 926, 952, 954, 955, 956, 976, 978, 979, 981, 982,
    983, 988, 997, 1807, 4221, 6005, 8628, 8645, 8651, 9001, 10053, 10054, 10060, 10922, 10928, 10929, 10930, 10936,
    11001, 14355, 17142, 17197, 17830, 17889, 18401, 20041, 40143, 40166, 40197, 40501, 40540, 40613, 40635, 40642,
    40648, 40671, 40675, 42108, 42109, 49918, 49919, 49920, 49977, 49983,
  ],
);

known('lock', 'lock_in_the_way', {
  1204: 'The server has no locks left to give. Look into sys.dm_tran_locks for what holds them.',
});
known('transient', 'database_unavailable', {
  4060: 'Check `Database=` of the connection string, and that the login has a user in it ({createUser}). It passes by itself if the database was failing over.',
});
known('transient', 'connection_limit', {
  17809:
    'The server takes no more connections (`user connections` of sp_configure). Raise that, or let apps pool theirs.',
});
known('permanent', 'firewall', {
  40615:
    "Allow the address {address} in the firewall of {host}, or connect the function app to the server's virtual network.",
  47073:
    'The server {host} accepts connections through its private endpoint only: join the function app to that virtual network.',
  40914:
    "Add a rule for the function app's subnet to the virtual network rules of {host}, with the service endpoint Microsoft.Sql.",
});
known('permanent', 'host_not_found', {
  '40532 40531': 'No server has this name: check `Server=` of the connection string ({host}).',
});
known('permanent', 'login_failed', {
  '18456 18452': 'Check the login of the connection string, and that it has a user in the database: {createUser}',
  '18461 18470 18486 18487 18488':
    'The login may not be used now: disabled, locked out, its password expired, or the server in single-user mode. Ask who administers the server.',
});
known('permanent', 'database_missing', {
  '911 4063 4064':
    'Check `Database=` of the connection string: the server has no such database, or the login may not see it.',
});
known('permanent', 'permission_missing', {
  916: 'Run {createUser}',
  '229 230 262 297 300 1088 3704 15247 15151': '{grant}',
});
known('permanent', 'database_unavailable', {
  '924 927 942':
    'Somebody has taken the database: offline, being restored, or in single-user mode. Wait until it is back.',
});
known('permanent', 'database_read_only', {
  '3906 3908':
    'Use the connection string of the primary (without ApplicationIntent=ReadOnly), or set the database READ_WRITE: nothing can be deleted here.',
});
known('permanent', 'disk_full', {
  '1105 1101 5149':
    'A file group is full: a delete needs room too. Enlarge or add a file, or let them grow; the next run goes on.',
  40544:
    'The database has reached its size limit: raise its maximum size or tier. Deleting is still allowed; the index is built once there is room.',
});
known('permanent', 'log_full', {
  9002: 'The transaction log is full. Take a log backup or enlarge the log; the next run goes on.',
});
known('permanent', 'table_missing', {
  '208 4701':
    "Set TOKEN_CACHE_TABLE to the cache's table; {table} is not in this database, or {user} has no right to it.",
});
known('permanent', 'column_missing', {
  207: '{table} is not a table of `dotnet sql-cache create`: it needs the columns Id, Value and ExpiresAtTime.',
});
known('permanent', 'table_unsuitable', {
  '4403 4405 4406 4414 4417 4418 4420 4421 4422':
    'It is a view that takes no such change. Set TOKEN_CACHE_TABLE to the table that holds the rows.',
});
known('permanent', 'index_lost', {
  8622: 'The expiry index went away during the run. The next run creates it again.',
});
known('permanent', 'database_error', {
  '823 824 825 605 8646':
    'The server reads damaged pages. Run DBCC CHECKDB, and restore what it names; on Azure open a support request.',
});
known('rows', 'row_refused', {
  547: 'Rows of {referrer} refer to entries ({constraint}): drop that constraint, or give it ON DELETE CASCADE.',
  '3609 3616 16915 16916':
    'A trigger of the table ended the transaction. Look at it (sys.triggers): a token cache needs none.',
});

/** RAISERROR and THROW take these; far beyond, other products that speak TDS number their own errors. */
const ownNumbers = { first: 50_000, last: 1_000_000 };
const raised: Explanation = [
  'rows',
  'row_refused',
  'A trigger of the table raises this error. Look at it (sys.triggers): a token cache needs none.',
];

/** What is known of an error by its number alone; some numbers are raised by somebody's own code. */
export function explanationOf(number: number): Explanation | undefined {
  const isOwn = number >= ownNumbers.first && number <= ownNumbers.last;
  return explanations.get(number) ?? (isOwn ? raised : undefined);
}

/** What an error is by its severity ("Database Engine error severities"), where its number is not known. */
export function adviceOfSeverity(severity: number | undefined): string {
  if (severity === undefined)
    return 'It is none of the server, but of the way to it: check host, port and encryption of the connection string, and run `token-cache diagnose`.';
  if (severity === 14) return 'A right is missing. {grant}';
  if (severity === 15)
    return 'The server does not take this statement: a version before SQL Server 2016, or another product that speaks TDS. Upgrade it; `token-cache diagnose` names the version.';
  if (severity === 17)
    return 'The server is out of a resource: memory, locks, disk, or a limit that its administrator set. Look at its error log; the next run tries again.';
  if (severity >= 18)
    return 'The server itself is in trouble: look at its error log (on Azure: Resource health), and run DBCC CHECKTABLE on the table.';
  return "The table or database is not as a token cache's: `token-cache diagnose` compares {table} with what `dotnet sql-cache create` makes.";
}
