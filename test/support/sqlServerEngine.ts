import sql from 'mssql';
import { parseConnectionString } from '../../src/lib/sql/sqlserver/connectionString.ts';
import { driverConfig } from '../../src/lib/sql/sqlserver/connections.ts';
import { parseTableName, quoteIdentifier, quoteTable } from '../../src/lib/sql/sqlserver/tableName.ts';
import { openSqlServer } from './openTables.ts';
import type { TestEngine, TestTable } from './testTable.ts';

/** The table of `dotnet sql-cache create`. */
const createTable = (table: string) => `
CREATE TABLE ${table} (
  Id nvarchar(449) COLLATE SQL_Latin1_General_CP1_CS_AS NOT NULL,
  Value varbinary(MAX) NOT NULL,
  ExpiresAtTime datetimeoffset NOT NULL,
  SlidingExpirationInSeconds bigint NULL,
  AbsoluteExpiration datetimeoffset NULL,
  PRIMARY KEY (Id)
)`;

export interface SqlServerTestEngine extends TestEngine {
  close(): Promise<void>;
}

/**
 * The test's side of tables on a real SQL Server, or what speaks like one. Makes and drops tables of its own, in the
 * schema dbo alone, and needs no right but that.
 */
export async function sqlServerEngine(connectionString: string): Promise<SqlServerTestEngine> {
  const connection = parseConnectionString(connectionString);
  const { login } = connection;
  if (login.kind !== 'sql') throw new Error('TEST_SQLSERVER_CONNECTION_STRING needs a SQL login.');
  const config = { ...driverConfig(connection), user: login.user, password: login.password.reveal() };
  const pool = await new sql.ConnectionPool(config).connect();
  const [traits] = (
    await pool.query<{ babelfish: string | null }>(
      "SELECT CONVERT(nvarchar(10), SERVERPROPERTY('Babelfish')) AS babelfish",
    )
  ).recordset;
  const babelfish = traits?.babelfish != null;
  return {
    name: babelfish ? 'Babelfish' : 'SQL Server',
    // As of Babelfish 4.3, which keeps 6 digits of datetimeoffset(7), and takes no doubled bracket.
    resolutionMs: babelfish ? 0.001 : 0.0001,
    lacks: babelfish ? ['READPAST', 'application locks', 'error numbers'] : [],
    ordinaryName: `dbo.TokenCacheTest${process.pid}`,
    hostileName: `dbo.[we"ird${babelfish ? '' : ']]'} na'me ${process.pid}]`,
    drop: async (name) => void (await pool.query(`DROP TABLE IF EXISTS ${quoteTable(parseTableName(name))}`)),
    create: async (name, { columns = 'all' } = {}) => {
      const table = quoteTable(parseTableName(name));
      await pool.query(`DROP TABLE IF EXISTS ${table}`);
      await pool.query(columns === 'all' ? createTable(table) : createTable(table).replace(/\n\s*ExpiresAtTime.*/, ''));
      return sqlServerTable(pool, connectionString, name, table);
    },
    close: () => pool.close(),
  };
}

function sqlServerTable(pool: sql.ConnectionPool, connectionString: string, name: string, table: string): TestTable {
  return {
    open: () => openSqlServer(connectionString, name),
    insert: async (entries) => {
      const { now } = (await pool.query<{ now: Date }>('SELECT SYSUTCDATETIME() AS now')).recordset[0] ?? {
        now: new Date(),
      };
      for (let start = 0; start < entries.length; start += 200) {
        const request = pool.request();
        const rows = entries
          .slice(start, start + 200)
          .map(({ id, expiresInMs, size = 100, value = Buffer.alloc(size, 'x') }, index) => {
            const ticks = Math.round(expiresInMs * 10_000);
            const wholeMs = Math.floor(ticks / 10_000);
            const at = Object.assign(new Date(now.getTime() + wholeMs), {
              nanosecondDelta: (ticks - wholeMs * 10_000) / 1e7,
            });
            request.input(`id${index}`, sql.NVarChar(449), id);
            request.input(`at${index}`, sql.DateTimeOffset(7), at);
            request.input(`value${index}`, sql.VarBinary(sql.MAX), value);
            return `(@id${index}, @value${index}, @at${index}, 1200)`;
          });
        await request.query(
          `INSERT INTO ${table} (Id, Value, ExpiresAtTime, SlidingExpirationInSeconds) VALUES ${rows.join(', ')}`,
        );
      }
    },
    ids: async () => {
      const { recordset } = await pool.query<{ Id: string }>(`SELECT Id FROM ${table}`);
      return recordset.map(({ Id }) => Id).sort();
    },
    setExpiry: async (id, ms) => {
      const request = pool.request().input('id', sql.NVarChar(449), id).input('ms', sql.Int, ms);
      const { rowsAffected } = await request.query(
        `UPDATE ${table} SET ExpiresAtTime = DATEADD(millisecond, @ms, SYSDATETIMEOFFSET()) WHERE Id = @id`,
      );
      return rowsAffected[0] === 1;
    },
    setValue: async (id, value) => {
      const request = pool.request().input('id', sql.NVarChar(449), id).input('value', sql.VarBinary(sql.MAX), value);
      await request.query(`UPDATE ${table} SET Value = @value WHERE Id = @id`);
    },
    lock: async (ids) => {
      const transaction = pool.transaction();
      await transaction.begin();
      for (const id of ids) {
        const request = transaction.request().input('id', sql.NVarChar(449), id);
        await request.query(`UPDATE ${table} SET SlidingExpirationInSeconds = 1201 WHERE Id = @id`);
      }
      return async () => void (await transaction.rollback());
    },
    createIndex: async (index, columns) =>
      void (await pool.query(`CREATE INDEX ${quoteIdentifier(index)} ON ${table} (${columns.join(', ')})`)),
    indexNames: async () => {
      const { schema, table: tableName } = parseTableName(name);
      const { recordset } = await pool
        .request()
        .input('schema', sql.NVarChar(128), schema)
        .input('table', sql.NVarChar(128), tableName)
        .query<{ name: string }>(`
          SELECT i.name AS name FROM sys.indexes AS i
          JOIN sys.tables AS t ON t.object_id = i.object_id JOIN sys.schemas AS s ON s.schema_id = t.schema_id
          WHERE s.name = @schema AND t.name = @table AND i.is_primary_key = 0 AND i.type = 2`);
      return recordset.map((row) => row.name);
    },
  };
}
