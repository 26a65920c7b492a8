/**
 * The statements of a diagnosis, each named as the function that runs it, as those of statements.ts. All read; NOLOCK where
 * they read entries: a diagnosis takes no locks and waits for none.
 */
import type { sampleShares } from './statements.ts';

/** Random pages. A Data Protection payload (09 F0 C9 F0) gives its header alone. */
export const sampleEntries = (t: string, percent: (typeof sampleShares)[number]) => `
SELECT TOP (@rows) Id AS id, DATALENGTH(Value) AS size, ExpiresAtTime AS expiresAt,
       SlidingExpirationInSeconds AS slidingSeconds,
       CASE WHEN SUBSTRING(Value, 1, 4) = 0x09F0C9F0 THEN SUBSTRING(Value, 1, 20)
            ELSE SUBSTRING(Value, 1, @bytes) END AS content
FROM ${t}${percent < 100 ? ` TABLESAMPLE SYSTEM (${percent} PERCENT)` : ''} WITH (NOLOCK)
OPTION (MAXDOP 1)`;

/** The SELECT of Microsoft.Extensions.Caching.SqlServer (SqlQueries.cs), without its UPDATE that slides the expiry. */
export const readValue = (t: string) => `
SELECT Value AS value FROM ${t} WHERE Id = @id AND SYSUTCDATETIME() <= ExpiresAtTime`;

/** `@prefix` ends in %, and holds no other wildcard. */
export const keysWithPrefix = (t: string) => `
SELECT TOP (@limit) Id AS id FROM ${t} WITH (NOLOCK) WHERE Id LIKE @prefix ORDER BY Id OPTION (MAXDOP 1)`;

/** Backwards along the expiry index; asked only where there is one. */
export const latestKeys = (t: string) => `
SELECT TOP (@limit) Id AS id FROM ${t} WITH (NOLOCK) ORDER BY ExpiresAtTime DESC OPTION (MAXDOP 1)`;

export const entryState = (t: string) => `
SELECT SUBSTRING(Value, 1, 20) AS header, HASHBYTES('SHA2_256', Value) AS digest FROM ${t} WITH (NOLOCK) WHERE Id = @id`;

/** max_length is in bytes; -1 stands for max. */
export const columns = () => `
SELECT c.name AS name, TYPE_NAME(c.user_type_id) AS typeName, CONVERT(int, c.max_length) AS maxLength,
       c.is_nullable AS nullable, c.collation_name AS collation
FROM sys.columns AS c
WHERE c.object_id = OBJECT_ID(@table)
ORDER BY c.column_id`;

export const indexColumns = () => `
SELECT i.name AS indexName, i.is_primary_key AS isPrimary, c.name AS columnName
FROM sys.indexes AS i
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE i.object_id = OBJECT_ID(@table)
ORDER BY i.index_id, ic.key_ordinal`;

/** What the library's table does not have. */
export const extras = () => `
SELECT 'trigger' AS kind, name AS name FROM sys.triggers WHERE parent_id = OBJECT_ID(@table)
UNION ALL
SELECT 'foreign key', name FROM sys.foreign_keys
WHERE parent_object_id = OBJECT_ID(@table) OR referenced_object_id = OBJECT_ID(@table)
UNION ALL
SELECT CASE WHEN temporal_type <> 0 THEN 'temporal table' ELSE 'change data capture' END, name
FROM sys.tables WHERE object_id = OBJECT_ID(@table) AND (temporal_type <> 0 OR is_tracked_by_cdc = 1)`;

/** The first words with the database, on any server that speaks TDS. */
export const databaseName = () => 'SELECT DB_NAME() AS name';

/** MaxSizeInBytes is Azure SQL Database's; null elsewhere. */
export const databaseFacts = () => `
SELECT CONVERT(int, d.compatibility_level) AS compatibilityLevel,
       CONVERT(bigint, DATABASEPROPERTYEX(d.name, 'MaxSizeInBytes')) AS maxBytes,
       (SELECT SUM(CONVERT(bigint, FILEPROPERTY(f.name, 'SpaceUsed'))) * 8192 FROM sys.database_files AS f WHERE f.type = 0) AS usedBytes
FROM sys.databases AS d
WHERE d.name = DB_NAME()`;

/** The newest plan of the library's own DELETE in Query Store, as far as it may be read. */
export const deletePlan = () => `
SELECT TOP (1) CASE WHEN CHARINDEX('PhysicalOp="Index Seek"', p.query_plan) > 0 THEN 1 ELSE 0 END AS seeks
FROM sys.query_store_query_text AS qt
JOIN sys.query_store_query AS q ON q.query_text_id = qt.query_text_id
JOIN sys.query_store_plan AS p ON p.query_id = q.query_id
WHERE CHARINDEX(@appDelete, qt.query_sql_text) > 0
ORDER BY p.last_execution_time DESC
OPTION (MAXDOP 1)`;
