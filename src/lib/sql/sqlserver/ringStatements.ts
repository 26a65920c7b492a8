/**
 * Statements on the table in which Entity Framework keeps a key ring, each named as what it does. `t` is its delimited name,
 * `copies` that of the table for copies. test/tsql parses them all.
 */

/** SQL Server restores them when sp_executesql returns; in a transaction an error then rolls all of it back. */
const settings = `
SET NOCOUNT ON; SET XACT_ABORT ON; SET LOCK_TIMEOUT 1000;`;

const columns = 'Id AS id, FriendlyName AS friendlyName, Xml AS xml';

/** One row at least, for the clock. */
export const ringRows = (t: string) => `${settings}
SELECT SYSUTCDATETIME() AS now, r.* FROM (SELECT 1 AS once) AS o
LEFT JOIN (SELECT ${columns} FROM ${t}) AS r ON 1 = 1 ORDER BY r.id`;

/**
 * Within a transaction: the rows, and until it ends nobody else changes one or adds one (HOLDLOCK: the ranges between them,
 * and the end), while reading goes on. UPDLOCK: of two writers the second waits here, and does not deadlock later.
 */
export const lockRing = (t: string) => `${settings}
SELECT ${columns} FROM ${t} WITH (UPDLOCK, HOLDLOCK) ORDER BY Id`;

export const insertElement = (t: string) => `${settings}
INSERT INTO ${t} (FriendlyName, Xml) VALUES (@name, @xml)`;
export const updateElement = (t: string) => `${settings}
UPDATE ${t} SET Xml = @xml WHERE Id = @id`;
export const deleteElement = (t: string) => `${settings}
DELETE FROM ${t} WHERE Id = @id`;

export const tableThere = () => `
SELECT CONVERT(bit, IIF(OBJECT_ID(@table) IS NULL, 0, 1)) AS there`;

/** Where copies of a ring go: Entity Framework knows nothing of this table. */
export const createCopies = (copies: string) => `CREATE TABLE ${copies} (
  CopiedAt nvarchar(20) NOT NULL, Id int NOT NULL, FriendlyName nvarchar(max) NULL, Xml nvarchar(max) NULL);`;

export const copyRing = (t: string, copies: string) => `${settings}
INSERT INTO ${copies} (CopiedAt, Id, FriendlyName, Xml) SELECT @copiedAt, Id, FriendlyName, Xml FROM ${t}`;
