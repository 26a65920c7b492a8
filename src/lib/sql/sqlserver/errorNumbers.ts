import type { ErrorCode } from '../../errorCodes.ts';
import type { FailureKind, Purpose } from '../cacheTableError.ts';

/** What an advice is made of. */
export interface ErrorFacts {
  /** Delimited. */
  user: string;
  table: string;
  host: string;
  purpose: Purpose;
  /** The database user that the login needs, as a statement. */
  createUser: string;
  /** The server's text. */
  text: string;
}

export interface Explanation {
  kind: FailureKind;
  /** Undefined for what its kind says. */
  code?: ErrorCode;
  advice?: (facts: ErrorFacts) => string;
}

const numbers = new Map<number, Explanation>();
const known = (kind: FailureKind, which: number[], code?: ErrorCode, advice?: Explanation['advice']) => {
  for (const number of which) numbers.set(number, { kind, ...(code && { code }), ...(advice && { advice }) });
};

// Somebody's lock: deadlock, lock timeout, no lock left to be had; 601: a scan with NOLOCK met moving data; 3960, 3966, 3935:
// a conflict of snapshots; 413xx, 41839: of a memory-optimised table.
known('lock', [601, 1203, 1205, 1221, 1222, 3935, 3960, 3966, 41301, 41302, 41305, 41325, 41839]);
known('lock', [1204], 'lock_in_the_way', () => {
  return 'The server has no locks left to give. Look into sys.dm_tran_locks for what holds them.';
});
// Azure SQL ended the session for what its transaction used: fewer rows a batch use less.
known('lock', [40549, 40550, 40551, 40552, 40553]);

// They pass by themselves (Azure SQL: "Troubleshoot transient connection errors"; SqlServerTransientExceptionDetector.cs of
// EF Core): the database moves, fails over or recovers, a replica changes its role, the service is throttled, memory is short;
// and the states of a server that starts, stops, is paused or updated (sys.messages).
known(
  'transient',
  [
    64, 121, 233, 615, 617, 669, 701, 802, 844, 845, 904, 921, 922, 926, 952, 954, 955, 956, 976, 978, 979, 981, 982,
    983, 988, 997, 1807, 4221, 6005, 8628, 8645, 8651, 9001, 10053, 10054, 10060, 10922, 10928, 10929, 10930, 10936,
    11001, 14355, 17142, 17197, 17830, 17889, 18401, 20041, 40143, 40166, 40197, 40501, 40540, 40613, 40635, 40642,
    40648, 40671, 40675, 42108, 42109, 49918, 49919, 49920, 49977, 49983,
  ],
);
known('transient', [4060], 'database_unavailable', ({ createUser }) => {
  return `Check \`Database=\` of the connection string, and that the login has a user in it (${createUser}). It passes by itself if the database was failing over.`;
});

known('transient', [17809], 'connection_limit', () => {
  return 'The server takes no more connections (`user connections` of sp_configure). Raise that, or let apps pool theirs.';
});

known('permanent', [40615], 'firewall', ({ text, host }) => {
  const address = /IP address '([^']+)'/i.exec(text)?.[1];
  return `Allow the address ${address ?? 'named above'} in the firewall of ${host}, or connect the function app to the server's virtual network.`;
});
known('permanent', [47073], 'firewall', ({ host }) => {
  return `The server ${host} accepts connections through its private endpoint only: join the function app to that virtual network.`;
});
known('permanent', [40914], 'firewall', ({ host }) => {
  return `Add a rule for the function app's subnet to the virtual network rules of ${host}, with the service endpoint Microsoft.Sql.`;
});
known('permanent', [40532, 40531], 'host_not_found', ({ host }) => {
  return `No server has this name: check \`Server=\` of the connection string (${host}).`;
});

known('permanent', [18456, 18452], 'login_failed', ({ createUser }) => {
  return `Check the login of the connection string, and that it has a user in the database: ${createUser}`;
});
known('permanent', [18461, 18470, 18486, 18487, 18488], 'login_failed', () => {
  return 'The login may not be used now: disabled, locked out, its password expired, or the server in single-user mode. Ask who administers the server.';
});
known('permanent', [911, 4063, 4064], 'database_missing', () => {
  return 'Check `Database=` of the connection string: the server has no such database, or the login may not see it.';
});
known('permanent', [916], 'permission_missing', ({ createUser }) => `Run ${createUser}`);
known('permanent', [924, 927, 942], 'database_unavailable', () => {
  return 'Somebody has taken the database: offline, being restored, or in single-user mode. Wait until it is back.';
});
known('permanent', [3906, 3908], 'database_read_only', () => {
  return 'Use the connection string of the primary (without ApplicationIntent=ReadOnly), or set the database READ_WRITE: nothing can be deleted here.';
});
known('permanent', [1105, 1101, 5149], 'disk_full', () => {
  return 'A file group is full: a delete needs room too. Enlarge or add a file, or let them grow; the next run goes on.';
});
known('permanent', [40544], 'disk_full', () => {
  return 'The database has reached its size limit: raise its maximum size or tier. Deleting is still allowed; the index is built once there is room.';
});
known('permanent', [9002], 'log_full', () => {
  return 'The transaction log is full. Take a log backup or enlarge the log; the next run goes on.';
});
known('permanent', [208, 4701], 'table_missing', ({ table, user }) => {
  return `Set TOKEN_CACHE_TABLE to the cache's table; ${table} is not in this database, or ${user} has no right to it.`;
});
known('permanent', [207], 'column_missing', ({ table }) => {
  return `${table} is not a table of \`dotnet sql-cache create\`: it needs the columns Id, Value and ExpiresAtTime.`;
});
known(
  'permanent',
  [229, 230, 262, 297, 300, 1088, 3704, 15247, 15151],
  'permission_missing',
  ({ purpose, user, table }) => {
    if (purpose !== 'index') return `Run GRANT SELECT, DELETE ON ${table} TO ${user};`;
    return `Run GRANT ALTER ON ${table} TO ${user}; or create the index once yourself: CREATE INDEX IX_TokenCache_ExpiresAtTime ON ${table} (ExpiresAtTime);`;
  },
);
known('permanent', [4403, 4405, 4406, 4414, 4417, 4418, 4420, 4421, 4422], 'table_unsuitable', () => {
  return 'It is a view that takes no such change. Set TOKEN_CACHE_TABLE to the table that holds the rows.';
});
known('permanent', [8622], 'index_lost', () => {
  return 'The expiry index went away during the run. The next run creates it again.';
});
known('permanent', [823, 824, 825, 605, 8646], 'database_error', () => {
  return 'The server reads damaged pages. Run DBCC CHECKDB, and restore what it names; on Azure open a support request.';
});

known('rows', [547], 'row_refused', ({ text }) => {
  const [, constraint, , other] = /constraint "([^"]+)"(.*?table "([^"]+)")?/i.exec(text) ?? [];
  return `Rows of ${other ?? 'another table'} refer to entries (${constraint ?? 'a foreign key'}): drop that constraint, or give it ON DELETE CASCADE.`;
});
known('rows', [3609, 3616, 16915, 16916], 'row_refused', () => {
  return 'A trigger of the table ended the transaction. Look at it (sys.triggers): a token cache needs none.';
});

/** RAISERROR and THROW take these; far beyond, other products that speak TDS number their own errors. */
const ownNumbers = { first: 50_000, last: 1_000_000 };

/** What is known of an error by its number alone; some numbers are raised by somebody's own code. */
export function explanationOf(number: number): Explanation | undefined {
  const found = numbers.get(number);
  if (found || number < ownNumbers.first || number > ownNumbers.last) return found;
  return {
    kind: 'rows',
    code: 'row_refused',
    advice: () => 'A trigger of the table raises this error. Look at it (sys.triggers): a token cache needs none.',
  };
}

/** What an error is by its severity ("Database Engine error severities"), where its number is not known. */
export function adviceOfSeverity(severity: number | undefined, { table, user, purpose }: ErrorFacts): string {
  if (severity === undefined)
    return 'It is none of the server, but of the way to it: check host, port and encryption of the connection string, and run `token-cache diagnose`.';
  if (severity === 14)
    return `A right is missing. ${numbers.get(229)?.advice?.({ table, user, purpose } as ErrorFacts) ?? ''}`;
  if (severity === 15)
    return 'The server does not take this statement: a version before SQL Server 2016, or another product that speaks TDS. Upgrade it; `token-cache diagnose` names the version.';
  if (severity === 17)
    return 'The server is out of a resource: memory, locks, disk, or a limit that its administrator set. Look at its error log; the next run tries again.';
  if (severity >= 18)
    return 'The server itself is in trouble: look at its error log (on Azure: Resource health), and run DBCC CHECKTABLE on the table.';
  return `The table or database is not as a token cache's: \`token-cache diagnose\` compares ${table} with what \`dotnet sql-cache create\` makes.`;
}
