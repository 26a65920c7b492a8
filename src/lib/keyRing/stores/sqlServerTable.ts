import sql from 'mssql';
import type { Clock } from '../../clock.ts';
import { ringRights } from '../../sql/grants.ts';
import type { TableName } from '../../sql/names.ts';
import type { SqlServerConnection } from '../../sql/sqlserver/connectionString.ts';
import { type ConnectionOptions, run, SqlServerConnections } from '../../sql/sqlserver/connections.ts';
import { int, named, type Parameters, text } from '../../sql/sqlserver/parameters.ts';
import * as statements from '../../sql/sqlserver/ringStatements.ts';
import { copiesOf, quoteTable } from '../../sql/sqlserver/tableName.ts';
import { Patience } from '../patience.ts';
import { type CopiesTable, type RingRow, type RingTable, type RowChange, TableStore } from './table.ts';

class SqlServerRingTable implements RingTable {
  readonly description: string;
  readonly rights: string;
  readonly copies: CopiesTable;
  readonly #connections: SqlServerConnections;

  constructor(name: TableName, options: Omit<ConnectionOptions, 'table'>) {
    const connections = new SqlServerConnections({ ...options, table: quoteTable(name) });
    this.#connections = connections;
    this.description = `SQL Server table ${connections.table} on ${options.connection.server}`;
    this.rights = `Run GRANT ${ringRights.app.manage} ON ${connections.table} TO the user of this login; (in mode observe ${ringRights.app.observe} is enough).`;
    const copies = copiesOf(name);
    this.copies = {
      name: copies,
      create: statements.createCopies(copies),
      isThere: async () =>
        (await connections.query<{ there: boolean }>('read', statements.tableThere(), named(copies)))[0]?.there ??
        false,
      make: () => connections.query('delete', statements.createCopies(copies)),
      add: (at) =>
        connections.query('delete', statements.copyRing(connections.table, copies), { copiedAt: text(20, at) }),
    };
  }

  async read(): Promise<{ rows: RingRow[]; now: Date }> {
    const { table } = this.#connections;
    const rows = await this.#connections.query<RingRow & { now: Date }>('read', statements.ringRows(table));
    return { rows: rows.filter(({ id }) => id !== null), now: rows[0]?.now ?? new Date() };
  }

  async change(
    isAsExpected: (rows: RingRow[]) => boolean,
    { add, replace, remove }: RowChange,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { table } = this.#connections;
    const pool = await this.#connections.dedicated(() => undefined);
    const transaction = pool.transaction();
    let isOpen = false;
    transaction.once('rollback', () => {
      isOpen = false;
    });
    const ask = <R>(statement: string, parameters?: Parameters) => run<R>(transaction, statement, parameters);
    try {
      await transaction.begin(sql.ISOLATION_LEVEL.READ_COMMITTED);
      isOpen = true;
      if (!isAsExpected(await ask<RingRow>(statements.lockRing(table)))) return false;
      for (const { name, xml } of add) await ask(statements.insertElement(table), { name: long(name), xml: long(xml) });
      for (const { id, xml } of replace) await ask(statements.updateElement(table), { id: int(id), xml: long(xml) });
      for (const id of remove) await ask(statements.deleteElement(table), { id: int(id) });
      signal.throwIfAborted();
      isOpen = false;
      await transaction.commit();
      return true;
    } catch (error) {
      throw this.#connections.translate(error, 'delete');
    } finally {
      if (isOpen) await transaction.rollback().catch(() => undefined);
      await pool.close();
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

const long = (value: string) => ({ type: sql.NVarChar(sql.MAX), value });

/** A ring in a table on SQL Server. No try to connect, and no statement, takes longer than the store is waited for. */
export function sqlServerRing(
  { table, connection, clock }: { table: TableName; connection: SqlServerConnection; clock: Clock },
  patience = new Patience({ clock }),
): TableStore {
  const connectTimeoutMs = Math.min(connection.connectTimeoutMs, patience.eachMs);
  const options = { connection: { ...connection, connectTimeoutMs }, statementTimeoutMs: patience.eachMs, clock };
  return new TableStore(() => new SqlServerRingTable(table, options), patience);
}
