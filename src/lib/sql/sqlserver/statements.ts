/**
 * Every statement of the SQL Server adapter, each named as the function that runs it. `t` is the delimited name of the
 * table; everything else is a parameter, so that texts are stable and their plans are cached. test/tsql parses them all.
 */

/**
 * In force for the statement alone: SQL Server restores them when the batch of sp_executesql, as which the driver sends it,
 * has ended ("SET statements", in its documentation). So each statement brings its own, also after a reconnect.
 * - XACT_ABORT: a cancelled statement otherwise leaves its transaction, and the locks, in the pooled connection
 * - DEADLOCK_PRIORITY LOW: in a deadlock the purge gives way to the sign-in
 * - LOCK_TIMEOUT: a table lock must stop the purge, not be waited for; READPAST passes over row locks only
 * - READ COMMITTED: READPAST is refused under SNAPSHOT and SERIALIZABLE, which a database may have as its default
 */
const batchSettings = (lockTimeoutMs: 1000 | 0 = 1000) => `
SET NOCOUNT ON; SET XACT_ABORT ON; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT ${lockTimeoutMs};
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;`;

/** What the server is. */
export const traits = () => `
SELECT CONVERT(int, SERVERPROPERTY('EngineEdition')) AS engineEdition,
       CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')) AS productVersion`;

/** What of a table's catalogue entry changes with it, by ALTER TABLE, a new index, or a new table of the name. */
const stamp = (object: string) =>
  `CONVERT(nvarchar(20), ${object}.object_id) + N'/' + CONVERT(nvarchar(40), ${object}.modify_date, 126)`;
const mayDelete = `HAS_PERMS_BY_NAME(@table, 'OBJECT', 'DELETE')`;
const updateability = `CONVERT(nvarchar(60), DATABASEPROPERTYEX(DB_NAME(), 'Updateability'))`;

/**
 * Also the probe for table, columns and the right to read: TOP (0) reads no row.
 * @param checked whether what is known of the table from an earlier run still holds, `@index` included
 */
export const clock = (t: string, checked: boolean) => `
SELECT SYSUTCDATETIME() AS now${
  checked
    ? `, (SELECT ${stamp('o')} FROM sys.objects AS o WHERE o.object_id = OBJECT_ID(@table)) AS stamp,
       INDEXPROPERTY(OBJECT_ID(@table), @index, 'IsDisabled') AS indexDisabled, ${mayDelete} AS mayDelete, ${updateability} AS updateability`
    : ''
}
FROM (SELECT 1 AS one) AS o
LEFT JOIN (SELECT TOP (0) Id, DATALENGTH(Value) AS size, ExpiresAtTime FROM ${t}) AS probe ON 1 = 1`;

/** A real index on all rows. */
const expiryIndex = 'i.has_filter = 0 AND i.is_hypothetical = 0 AND i.type IN (1, 2)';

/** SQL Server 2016 and later; one that lacks a column or function of it tells nothing of its tables. */
export const tableKind = () => `
SELECT o.type AS type, s.base_object_name AS synonymOf, CONVERT(int, t.temporal_type) AS temporalType,
       t.is_memory_optimized AS memoryOptimized, t.is_external AS isExternal, TYPE_NAME(c.user_type_id) AS expiryType,
       c.is_nullable AS expiryNullable,
       ${mayDelete} AS mayDelete, ${updateability} AS updateability, ${stamp('o')} AS stamp,
       (SELECT MIN(i.name)
        FROM sys.indexes AS i JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal = 1
        WHERE i.object_id = o.object_id AND ic.column_id = c.column_id AND i.is_disabled = 0 AND ${expiryIndex}) AS expiryIndex
FROM sys.objects AS o
LEFT JOIN sys.synonyms AS s ON s.object_id = o.object_id
LEFT JOIN sys.tables AS t ON t.object_id = o.object_id
LEFT JOIN sys.columns AS c ON c.object_id = o.object_id AND LOWER(c.name) = 'expiresattime'
WHERE o.object_id = OBJECT_ID(@table)`;

/** Owned by the session: released when the connection ends, however the process died. */
export const tryLock = () => `
DECLARE @result int;
EXEC @result = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0;
SELECT @result AS result, @@SPID AS session`;

/** 1 where the lock could be had: no session holds it. */
export const testLock = () => `SELECT APPLOCK_TEST('public', @resource, 'Exclusive', 'Session') AS free`;
/**
 * Who holds it. The view shows the first 32 characters of a resource (its documentation), beside a hash of its own. Needs VIEW
 * DATABASE STATE, on a server that is not an Azure SQL Database, VIEW SERVER STATE.
 */
export const lockHolder = () => `
SELECT TOP (1) l.request_session_id AS session, s.login_name AS login, s.program_name AS application, s.host_name AS [from],
       s.status AS state,
       DATEADD(minute, DATEDIFF(minute, SYSDATETIME(), SYSUTCDATETIME()), s.last_request_end_time) AS since
FROM sys.dm_tran_locks AS l
JOIN sys.dm_exec_sessions AS s ON s.session_id = l.request_session_id
WHERE l.resource_type = 'APPLICATION' AND l.request_status = 'GRANT' AND l.resource_database_id = DB_ID()
  AND CHARINDEX(N'[' + LEFT(@resource, 32) + N']', l.resource_description) > 0`;
export const unlock = () => `EXEC sp_releaseapplock @Resource = @resource, @LockOwner = 'Session'`;
export const lockMode = () => `SELECT APPLOCK_MODE('public', @resource, 'Session') AS mode`;

/**
 * Ranges of `@limit` rows each, `@count` of them at most. One row more is read, to see of the last one too whether the next row
 * shares its expiry.
 * - NOLOCK: a bound need not be exact, since the DELETE checks each row again; so the look waits for nobody
 * - FORCESEEK: on small tiers the optimizer has chosen a scan of the table (Hangfire issue 628)
 */
export const nextRanges = (t: string, hasAfter: boolean, withLive: boolean) => `
SELECT COUNT(*) AS rows, MAX(ExpiresAtTime) AS upTo, LEAD(MIN(ExpiresAtTime)) OVER (ORDER BY part) AS following
FROM (
  SELECT TOP (@limit * @count + 1) ExpiresAtTime, (ROW_NUMBER() OVER (ORDER BY ExpiresAtTime) - 1) / @limit AS part
  FROM ${t} WITH (NOLOCK, FORCESEEK)
  WHERE ExpiresAtTime ${withLive ? '<=' : '<'} @cutoff${hasAfter ? ' AND ExpiresAtTime > @after' : ''}
  ORDER BY ExpiresAtTime
) AS ahead
GROUP BY part
ORDER BY part
OPTION (MAXDOP 1)`;

/** As a residual predicate, which no index is sought by. */
const residual = 'DATEADD(second, 0, ExpiresAtTime)';

/**
 * The server's clock beside a purge's cut-off: even a wrong parameter can delete nothing that is alive. A clear is asked to,
 * and takes the entry of the largest expiry too.
 */
const deletable = (expiry: string, withLive: boolean) =>
  withLive ? `${expiry} <= @cutoff` : `${expiry} < @cutoff AND ${expiry} < SYSDATETIMEOFFSET()`;

/**
 * Rows up to `@upTo`, by their expiry or by their key, that may be deleted. By their expiry `@upTo` is the only upper bound
 * that an index is sought by: of several SQL Server takes one that it cannot know to be the smallest, and where READPAST
 * passes over rows the seek would go on to the cut-off, over the whole backlog. Cut-off and clock are checked on the rows.
 */
const deletableIn = (byKey: boolean, hasAfter: boolean, withLive: boolean) => {
  const column = byKey ? 'Id' : 'ExpiresAtTime';
  const bounds = `${column} <= @upTo${hasAfter ? ` AND ${column} > @after` : ''}`;
  // What has no expiry lies in no range of it; a clear takes it along the key.
  if (byKey && withLive) return `${bounds} AND (ExpiresAtTime <= @cutoff OR ExpiresAtTime IS NULL)`;
  return `${bounds} AND ${deletable(byKey ? 'ExpiresAtTime' : residual, withLive)}`;
};

/**
 * - ROWLOCK: page locks would cover entries that are alive
 * - READPAST: passes over rows that an app holds locked; READCOMMITTEDLOCK: with row versioning on, as on Azure SQL,
 *   READPAST needs the locking form of READ COMMITTED
 * - FORCESEEK: as above; it fails outright where the index is missing, and is used only where one was found
 * - MAXDOP 1: the cores belong to the sign-ins
 * The table is named once: with row versioning a second mention would read old versions.
 */
export const deleteRange = (t: string, hasAfter: boolean, withLive: boolean) => `${batchSettings()}
DELETE TOP (@limit) FROM ${t} WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK, FORCESEEK)
WHERE ${deletableIn(false, hasAfter, withLive)}
OPTION (MAXDOP 1);
SELECT @@ROWCOUNT AS deleted`;

/** The last key of the next rows. NOLOCK: as in nextRanges. */
export const nextKeyRange = (t: string, hasAfter: boolean) => `
SELECT MAX(Id) AS upTo
FROM (SELECT TOP (@limit) Id FROM ${t} WITH (NOLOCK)${hasAfter ? ' WHERE Id > @after' : ''} ORDER BY Id) AS batch
OPTION (MAXDOP 1)`;

/** Hints as in deleteRange; the seek is on the primary key. */
export const deleteKeyRange = (t: string, hasAfter: boolean, withLive: boolean) => `${batchSettings()}
DECLARE @deleted int;
DELETE FROM ${t} WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
WHERE ${deletableIn(true, hasAfter, withLive)}
OPTION (MAXDOP 1);
SET @deleted = @@ROWCOUNT;
SELECT @deleted AS deleted, COUNT(*) AS skipped
FROM ${t} WITH (NOLOCK)
WHERE ${deletableIn(true, hasAfter, withLive)}
OPTION (MAXDOP 1)`;

/**
 * Keys of the deletable rows of a range, in the server's own order; `@afterKey` is null at first. For a table on which
 * the server refuses READPAST (see hints.ts), as are the next two.
 */
export const deletableKeys = (t: string, byKey: boolean, hasAfter: boolean, withLive: boolean) => `
SELECT TOP (@limit) Id AS id
FROM ${t} WITH (NOLOCK)
WHERE ${deletableIn(byKey, hasAfter, withLive)} AND (@afterKey IS NULL OR Id > @afterKey)
ORDER BY Id
OPTION (MAXDOP 1)`;

/** The column of a table that refers to Id by a foreign key; both names are delimited. */
export interface Referrer {
  referrer: string;
  column: string;
}

/** NOLOCK: the foreign key itself is checked on the row. */
const referred = ({ referrer, column }: Referrer) =>
  `SELECT r.${column} FROM ${referrer} AS r WITH (NOLOCK) WHERE r.${column} >= @firstKey AND r.${column} <= @lastKey`;

/** By which a foreign key of this name refers to Id alone; nothing where this login may not see the other table. */
export const foreignKey = () => `
SELECT QUOTENAME(OBJECT_SCHEMA_NAME(f.parent_object_id)) + N'.' + QUOTENAME(OBJECT_NAME(f.parent_object_id)) AS referrer,
       QUOTENAME(COL_NAME(k.parent_object_id, k.parent_column_id)) AS [column]
FROM sys.foreign_keys AS f
JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id
WHERE f.referenced_object_id = OBJECT_ID(@table) AND f.name = @constraint
  AND LOWER(COL_NAME(k.referenced_object_id, k.referenced_column_id)) = 'id'
  AND NOT EXISTS (SELECT 1 FROM sys.foreign_key_columns AS m WHERE m.constraint_object_id = f.object_id AND m.constraint_column_id > 1)`;

/** Those between two keys to which the other table refers. */
export const referredKeys = (t: string, referrer: Referrer) => `
SELECT Id AS id FROM ${t} WITH (NOLOCK) WHERE Id IN (${referred(referrer)})
OPTION (MAXDOP 1)`;

/**
 * The rows between two of those keys, but for what others refer to. A locked one is expected: like READPAST, it waits for none.
 */
export const deleteKeys = (
  t: string,
  byKey: boolean,
  hasAfter: boolean,
  withLive: boolean,
  referrers: readonly Referrer[] = [],
) => `${batchSettings(0)}
DELETE TOP (@limit) FROM ${t}
WHERE Id >= @firstKey AND Id <= @lastKey AND ${deletableIn(byKey, hasAfter, withLive)}${referrers.map((each) => ` AND Id NOT IN (${referred(each)})`).join('')}
OPTION (MAXDOP 1);
SELECT @@ROWCOUNT AS deleted`;

/** Needs the table's own lock and no row's: where it fails, the table is locked, not the row. */
export const probeTableLock = (t: string) => `${batchSettings(0)}
DELETE FROM ${t} WHERE 1 = 0`;

/** Entries that one statement compares: its text must stay the same, and two thousand parameters are the limit. */
export const formsPerDelete = 20;

const formStart = 'ISNULL(SUBSTRING(Value, 1, 20), 0x)';
const formEnd = 'ISNULL(SUBSTRING(Value, DATALENGTH(Value), 1), 0x)';

/** Entries in order of the key; what has expired nobody reads. NOLOCK: each row is checked again by the DELETE. */
export const nextForms = (t: string, hasAfter: boolean) => `
SELECT TOP (@limit) Id AS id, ${formStart} AS formStart, ${formEnd} AS formEnd
FROM ${t} WITH (NOLOCK)
WHERE ExpiresAtTime >= SYSUTCDATETIME()${hasAfter ? ' AND Id > @after' : ''}
ORDER BY Id
OPTION (MAXDOP 1)`;

/** Rows that still have the form that was seen; a place that is not used has no key. Hints as in deleteKeyRange. */
export const deleteForms = (t: string) => `${batchSettings()}
DECLARE @gone TABLE (Id nvarchar(449));
DELETE FROM ${t} WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
OUTPUT deleted.Id INTO @gone
WHERE ${Array.from({ length: formsPerDelete }, (_, n) => `(Id = @id${n} AND ${formStart} = @start${n} AND ${formEnd} = @end${n})`).join('\n   OR ')}
OPTION (MAXDOP 1);
SELECT Id AS id FROM @gone`;

/**
 * What Query Store (SQL Server 2016 and later) knows of the web app's own purge, `@appDelete` (SqlQueries.cs of
 * Microsoft.Extensions.Caching.SqlServer): the last interval in which it ran, beside the number of runs and the longest of
 * all that are kept. Durations are in microseconds; execution type 3 was cancelled by the client, 4 ended with an error.
 */
export const appPurge = () => `
SELECT o.actual_state AS state, run.lastRunAt AS lastRunAt, run.lastDuration AS lastDuration, run.outcome AS outcome,
       run.longest AS longest, run.runs AS runs
FROM sys.database_query_store_options AS o
OUTER APPLY (
  SELECT TOP (1) rs.last_execution_time AS lastRunAt, rs.last_duration AS lastDuration,
         CONVERT(int, rs.execution_type) AS outcome, MAX(rs.max_duration) OVER () AS longest,
         SUM(rs.count_executions) OVER () AS runs
  FROM sys.query_store_query_text AS qt
  JOIN sys.query_store_query AS q ON q.query_text_id = qt.query_text_id
  JOIN sys.query_store_plan AS p ON p.query_id = q.query_id
  JOIN sys.query_store_runtime_stats AS rs ON rs.plan_id = p.plan_id
  WHERE CHARINDEX(@appDelete, qt.query_sql_text) > 0
  ORDER BY rs.last_execution_time DESC
) AS run
OPTION (MAXDOP 1)`;

/** Azure SQL: a row each 15 s, the newest first. */
export const resourceStats = () => `
SELECT TOP (1) avg_cpu_percent AS cpu, avg_data_io_percent AS dataIo, avg_log_write_percent AS logWrite
FROM sys.dm_db_resource_stats
ORDER BY end_time DESC`;

/** Without the right to see other sessions a boxed server shows one's own alone, without an error: so the right is asked first. */
export const lockWaits = () => `
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE') AS seesServer,
       HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DATABASE STATE') AS seesDatabase,
       (SELECT COUNT(*) FROM sys.dm_exec_requests WHERE blocking_session_id <> 0 AND database_id = DB_ID()) AS waits`;

/** Enabled or disabled, unfiltered, real indexes that lead with the expiry, whatever their names. */
export const indexState = () => `
SELECT i.name AS name, i.is_disabled AS isDisabled
FROM sys.indexes AS i
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal = 1
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = OBJECT_ID(@table) AND LOWER(c.name) = 'expiresattime'
  AND ${expiryIndex}
ORDER BY i.is_disabled`;

export const mayBuildIndex = () => `SELECT HAS_PERMS_BY_NAME(@table, 'OBJECT', 'ALTER') AS may`;

/** SQL Server 2017 and later. While such a build is paused, the table takes no other index. */
export const resumableBuilds = () => `
SELECT name AS name, state AS state, percent_complete AS percentComplete,
       CASE WHEN sql_text LIKE '%ExpiresAtTime%' THEN 1 ELSE 0 END AS ofExpiry
FROM sys.index_resumable_operations
WHERE object_id = OBJECT_ID(@table)`;

export interface BuildOptions {
  online: boolean;
  resumable: boolean;
  lowPriority: boolean;
  /** DDL takes no parameters; the number comes from the settings. */
  maxMinutes: number;
}

/** Waits for its locks behind everybody else, and gives up itself after a minute: sign-ins must not queue behind the build. */
const lowPriorityWait = 'WAIT_AT_LOW_PRIORITY (MAX_DURATION = 1 MINUTES, ABORT_AFTER_WAIT = SELF)';

export const createIndex = (t: string, name: string, { online, resumable, lowPriority, maxMinutes }: BuildOptions) => {
  const options = [
    ...(online ? [`ONLINE = ON${lowPriority ? ` (${lowPriorityWait})` : ''}`] : []),
    ...(resumable ? ['RESUMABLE = ON', `MAX_DURATION = ${maxMinutes} MINUTES`] : []),
  ];
  const create = `${manualIndex(t, name, false)}${options.length > 0 ? ` WITH (${options.join(', ')})` : ''}`;
  return lowPriority ? create : withinLockTimeout(create);
};

/** For an operator to run. */
export const manualIndex = (t: string, name: string, online: boolean) =>
  `CREATE INDEX ${name} ON ${t} (ExpiresAtTime)${online ? ' WITH (ONLINE = ON)' : ''}`;

/** Where no low-priority wait is to be had: sign-ins queue behind the build's lock request, so it does not stand for long. */
const withinLockTimeout = (text: string) => `SET LOCK_TIMEOUT 5000;
${text}`;

export const resumeIndex = (t: string, name: string, maxMinutes: number) =>
  `ALTER INDEX ${name} ON ${t} RESUME WITH (MAX_DURATION = ${maxMinutes} MINUTES, ${lowPriorityWait})`;

export const rebuildIndex = (t: string, name: string, online: boolean) =>
  online
    ? `ALTER INDEX ${name} ON ${t} REBUILD WITH (ONLINE = ON (${lowPriorityWait}))`
    : withinLockTimeout(`ALTER INDEX ${name} ON ${t} REBUILD`);

/** Index 0 or 1 is the table itself; its pages include those of large values. Needs VIEW DATABASE STATE. */
export const catalogue = () => `
SELECT SUM(CASE WHEN index_id < 2 THEN row_count END) AS entries,
       SUM(CASE WHEN index_id < 2 THEN used_page_count END) * 8192 AS dataBytes,
       SUM(CASE WHEN index_id > 1 THEN used_page_count ELSE 0 END) * 8192 AS indexBytes
FROM sys.dm_db_partition_stats
WHERE object_id = OBJECT_ID(@table)`;

/** The same figures, visible to whoever may see the table; the number of rows may be off a little. */
export const catalogueWithoutStats = () => `
SELECT SUM(CASE WHEN p.index_id < 2 AND a.type = 1 THEN p.rows END) AS entries,
       SUM(CASE WHEN p.index_id < 2 THEN a.used_pages END) * 8192 AS dataBytes,
       SUM(CASE WHEN p.index_id > 1 THEN a.used_pages ELSE 0 END) * 8192 AS indexBytes
FROM sys.partitions AS p
JOIN sys.allocation_units AS a ON a.container_id = CASE WHEN a.type = 2 THEN p.partition_id ELSE p.hobt_id END
WHERE p.object_id = OBJECT_ID(@table)`;

/** NOLOCK: a count for a chart takes no locks and waits for none; it may be off by the rows in flight. */
export const countUpTo = (t: string, hasFrom: boolean, hasBefore: boolean) => {
  const conditions = [
    ...(hasFrom ? ['ExpiresAtTime >= @from'] : []),
    ...(hasBefore ? ['ExpiresAtTime < @before'] : []),
  ];
  return `
SELECT COUNT_BIG(*) AS rows
FROM (SELECT TOP (@limit) 1 AS one FROM ${t} WITH (NOLOCK)${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''}) AS bounded
OPTION (MAXDOP 1)`;
};

/** NOLOCK: as in countUpTo. */
export const countUndated = (t: string) => `
SELECT COUNT(*) AS rows
FROM (SELECT TOP (@limit) 1 AS one FROM ${t} WITH (NOLOCK) WHERE ExpiresAtTime IS NULL) AS bounded
OPTION (MAXDOP 1)`;

/** Function and column by which a table is partitioned, delimited; nothing of another table. */
export const partitioning = () => `
SELECT QUOTENAME(f.name) AS [function], QUOTENAME(c.name) AS [column]
FROM sys.indexes AS i
JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id
JOIN sys.partition_functions AS f ON f.function_id = s.function_id
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.partition_ordinal = 1
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = OBJECT_ID(@table) AND i.index_id < 2`;

/** Partitions that hold entries, all of them expired. NOLOCK: as in countUpTo. */
export const expiredParts = (t: string, { function: by, column }: { function: string; column: string }) => `
SELECT p.partition_number AS part
FROM sys.partitions AS p
WHERE p.object_id = OBJECT_ID(@table) AND p.index_id < 2 AND p.rows > 0 AND NOT EXISTS (
  SELECT 1 FROM ${t} WITH (NOLOCK)
  WHERE $PARTITION.${by}(${column}) = p.partition_number AND (ExpiresAtTime >= @before OR ExpiresAtTime IS NULL))
ORDER BY p.partition_number
OPTION (MAXDOP 1)`;

/** FORCESEEK: as in nextRanges. */
export const backlog = (t: string) => `
SELECT (SELECT MIN(ExpiresAtTime) FROM ${t} WITH (NOLOCK)) AS oldest,
       (SELECT COUNT(*) FROM (SELECT TOP (@limit) 1 AS one FROM ${t} WITH (NOLOCK, FORCESEEK) WHERE ExpiresAtTime < @before) AS bounded) AS rows
OPTION (MAXDOP 1)`;

export const oldestExpiry = (t: string) =>
  `SELECT MIN(ExpiresAtTime) AS oldest FROM ${t} WITH (NOLOCK) OPTION (MAXDOP 1)`;

/** Where a clear ends. NOLOCK: as in nextRanges. */
export const latestExpiry = (t: string) => `
SELECT MAX(ExpiresAtTime) AS latest, CASE WHEN EXISTS (SELECT 1 FROM ${t} WITH (NOLOCK)) THEN 1 ELSE 0 END AS filled
FROM ${t} WITH (NOLOCK)
OPTION (MAXDOP 1)`;

/**
 * An entry that slides lives on to its absolute expiration, if it has one. The last year is .NET's for never. NOLOCK: as in
 * countUpTo.
 */
export const longestLivedUntil = (t: string) => `
SELECT MAX(entries.until) AS until
FROM (
  SELECT CASE WHEN AbsoluteExpiration > ExpiresAtTime THEN AbsoluteExpiration ELSE ExpiresAtTime END AS until
  FROM ${t} WITH (NOLOCK)
  WHERE ExpiresAtTime >= SYSUTCDATETIME()
) AS entries
WHERE entries.until < '9999-01-01'
OPTION (MAXDOP 1)`;

/** Which keys protect how many entries. NOLOCK: as in countUpTo. */
export const countByHeader = (t: string) => `
SELECT SUBSTRING(Value, 1, 20) AS header, COUNT_BIG(*) AS entries
FROM ${t} WITH (NOLOCK)
WHERE ExpiresAtTime >= SYSUTCDATETIME() AND SUBSTRING(Value, 1, DATALENGTH(@mark)) = @mark
GROUP BY SUBSTRING(Value, 1, 20)
OPTION (MAXDOP 1)`;

/** Shares of the table that TABLESAMPLE takes: it accepts no parameter, and few texts mean few plans. */
export const sampleShares = [100, 10, 1, 0.1, 0.01] as const;

/** Random pages. NOLOCK: as in countUpTo. */
export const sample = (t: string, percent: (typeof sampleShares)[number]) => `
SELECT TOP (@rows) DATALENGTH(Value) AS size, ExpiresAtTime AS expiresAt,
       CASE WHEN ExpiresAtTime >= SYSUTCDATETIME() THEN SUBSTRING(Value, 1, 20) END AS header
FROM ${t}${percent < 100 ? ` TABLESAMPLE SYSTEM (${percent} PERCENT)` : ''} WITH (NOLOCK)
OPTION (MAXDOP 1)`;
