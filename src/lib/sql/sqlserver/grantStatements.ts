/**
 * The statements that give rights, each named as what it does. `t` is the delimited name of the table, `u` that of a user;
 * DDL takes no parameters. test/tsql parses them all.
 */

/** What stands for the name or the id already. */
export const principals = () => `
SELECT name, type, CONVERT(nvarchar(172), sid, 1) AS sid
FROM sys.database_principals WHERE name = @user OR sid = @sid`;

export const grantTarget = () => `
SELECT CONVERT(bit, IIF(OBJECT_ID(@table, N'U') IS NULL, 0, 1)) AS tableThere,
       CONVERT(bit, IIF(SCHEMA_ID(@schema) IS NULL, 0, 1)) AS schemaThere`;

/** By SID and type, so that the server asks no directory, and who runs it needs no role there. */
export const createUser = (u: string, sid: string) => `CREATE USER ${u} WITH SID = ${sid}, TYPE = E;`;

export const dropUser = (u: string) => `DROP USER ${u};`;

export const createSchema = (s: string) => `CREATE SCHEMA ${s};`;

/** As `dotnet sql-cache create` makes it (docs/reference/settings.md, TOKEN_CACHE_TABLE). */
export const createCacheTable = (t: string, index: string) => `CREATE TABLE ${t} (
  Id nvarchar(449) COLLATE SQL_Latin1_General_CP1_CS_AS NOT NULL PRIMARY KEY,
  Value varbinary(max) NOT NULL,
  ExpiresAtTime datetimeoffset(7) NOT NULL,
  SlidingExpirationInSeconds bigint NULL,
  AbsoluteExpiration datetimeoffset(7) NULL,
  INDEX ${index} NONCLUSTERED (ExpiresAtTime));`;

export const grantOnTable = (t: string, u: string, rights: string) => `GRANT ${rights} ON ${t} TO ${u};`;

/** No error where they were never given. */
export const revokeOnTable = (t: string, u: string, rights: string) => `REVOKE ${rights} ON ${t} FROM ${u};`;

/** For the expiry index. */
export const grantAlter = (t: string, u: string) => `GRANT ALTER ON ${t} TO ${u};`;

/** No error where it was never given. */
export const revokeAlter = (t: string, u: string) => `REVOKE ALTER ON ${t} FROM ${u};`;

/** For pausing under load. */
export const grantViewState = (u: string) => `GRANT VIEW DATABASE STATE TO ${u};`;
