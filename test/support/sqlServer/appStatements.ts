import { quoteTable } from '../../../src/lib/sql/sqlserver/tableName.ts';
import { select } from './entry.ts';
import type { Call, Names } from './statementTable.ts';

/**
 * What a web app sends, beside the adapter: its cache's statements on whole rows (after SqlQueries.cs of
 * Microsoft.Extensions.Caching.SqlServer), which use every type of the table, and report row counts.
 */
export const appStatements = {
  insertEntry: (t: string) => `
INSERT INTO ${t} (Id, Value, ExpiresAtTime, SlidingExpirationInSeconds, AbsoluteExpiration)
VALUES (@Id, @Value, @ExpiresAtTime, @SlidingExpirationInSeconds, @AbsoluteExpiration)`,
  readEntry: (t: string) => `
SELECT Id, Value, ExpiresAtTime, SlidingExpirationInSeconds, AbsoluteExpiration FROM ${t} WHERE Id = @Id`,
  getCacheItem: (t: string) =>
    `UPDATE ${t} SET ExpiresAtTime = (CASE WHEN DATEDIFF(SECOND, @UtcNow, AbsoluteExpiration) <= SlidingExpirationInSeconds THEN AbsoluteExpiration ELSE DATEADD(SECOND, SlidingExpirationInSeconds, @UtcNow) END) WHERE Id = @Id AND @UtcNow <= ExpiresAtTime AND SlidingExpirationInSeconds IS NOT NULL AND (AbsoluteExpiration IS NULL OR AbsoluteExpiration <> ExpiresAtTime) ;SELECT Value FROM ${t} WHERE Id = @Id AND @UtcNow <= ExpiresAtTime;`,
  deleteExpired: (t: string) => `DELETE FROM ${t} WHERE @UtcNow > ExpiresAtTime`,
  /** The loop of Hangfire's ExpirationManager, a statement a batch, with its hints. */
  deleteTop: (t: string) => `
SET DEADLOCK_PRIORITY LOW; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET XACT_ABORT ON; SET LOCK_TIMEOUT 1000;
DELETE TOP (@limit) FROM ${t} WITH (READPAST, FORCESEEK) WHERE ExpiresAtTime < @UtcNow OPTION (LOOP JOIN, OPTIMIZE FOR (@limit = 20000));
SELECT @@ROWCOUNT AS deleted`,
};

const renderings = (statement: (t: string) => string) => (names: Names) => [
  { text: statement(quoteTable(names)), identifiers: [names.schema, names.table], flags: [] },
];

/** Reports the rows that it touched. */
const counted = (statement: (t: string) => string, twin: (call: Call) => string) => ({
  renderings: renderings(statement),
  answer: async (call: Call) => ({ columns: [], rows: [], count: (await call.query(twin(call))).length }),
});

export const appTwins = {
  insertEntry: counted(
    appStatements.insertEntry,
    ({ table }) => `
insert into ${table} ("Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds", "AbsoluteExpiration")
values (@Id, @Value, @ExpiresAtTime, @SlidingExpirationInSeconds, @AbsoluteExpiration) returning 1`,
  ),
  readEntry: select(
    renderings(appStatements.readEntry),
    [
      { name: 'Id', type: 'nvarchar' },
      { name: 'Value', type: 'varbinaryMax' },
      { name: 'ExpiresAtTime', type: 'datetimeoffset' },
      { name: 'SlidingExpirationInSeconds', type: 'bigint' },
      { name: 'AbsoluteExpiration', type: 'datetimeoffset' },
    ],
    ({ table }) =>
      `select "Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds", "AbsoluteExpiration" from ${table} where "Id" = @Id`,
  ),
  /** The read alone: nothing here asks what it does to an expiry. */
  getCacheItem: select(
    renderings(appStatements.getCacheItem),
    [{ name: 'Value', type: 'varbinaryMax' }],
    ({ table }) => `select "Value" from ${table} where "Id" = @Id and @UtcNow <= "ExpiresAtTime"`,
  ),
  deleteTop: select(
    renderings(appStatements.deleteTop),
    [{ name: 'deleted', type: 'int' }],
    ({ table }) => `
with gone as (
  delete from ${table} where (tableoid, ctid) in (
    select tableoid, ctid from ${table} where "ExpiresAtTime" < @UtcNow limit @limit for update skip locked)
  returning 1)
select count(*) from gone`,
  ),
  deleteExpired: counted(
    appStatements.deleteExpired,
    ({ table }) => `delete from ${table} where @UtcNow > "ExpiresAtTime" returning 1`,
  ),
};
