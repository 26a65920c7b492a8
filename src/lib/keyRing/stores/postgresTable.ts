import type { Clock } from '../../clock.ts';
import { ringRights } from '../../sql/grants.ts';
import type { TableName } from '../../sql/names.ts';
import { endConnection } from '../../sql/postgres/client.ts';
import type { PostgresConnection } from '../../sql/postgres/connectionString.ts';
import { type ConnectionOptions, PostgresConnections } from '../../sql/postgres/connections.ts';
import * as sql from '../../sql/postgres/ringStatements.ts';
import { beginLocal } from '../../sql/postgres/session.ts';
import { copiesOf, quoteIdentifier, quoteTable } from '../../sql/postgres/tableName.ts';
import { KeyRingError } from '../keyRingError.ts';
import { Patience } from '../patience.ts';
import { type CopiesTable, type RingRow, type RingTable, type RowChange, TableStore } from './table.ts';

interface Found {
  schema: string;
  table: string;
  isMeant: boolean | null;
  columns: string[];
}

class PostgresRingTable implements RingTable {
  readonly description: string;
  readonly rights: string;
  readonly copies: CopiesTable;
  readonly #connections: PostgresConnections;
  readonly #name: TableName;
  readonly #statementTimeoutMs: number;
  #columns: sql.RingColumns | undefined;

  constructor(name: TableName, options: Omit<ConnectionOptions, 'table'>) {
    const connections = new PostgresConnections({ ...options, table: quoteTable(name) });
    this.#connections = connections;
    this.#name = name;
    this.#statementTimeoutMs = options.statementTimeoutMs;
    const { server, user } = options.connection;
    this.description = `PostgreSQL table ${connections.table} on ${server}`;
    const role = user === undefined ? 'the role' : quoteIdentifier(user);
    this.rights = `Run GRANT USAGE ON SCHEMA ${quoteIdentifier(name.schema)} TO ${role}; GRANT ${ringRights.app.manage} ON ${connections.table} TO ${role}; (in mode observe ${ringRights.app.observe} is enough).`;
    const copies = copiesOf(name);
    this.copies = {
      name: copies,
      create: sql.createCopies(copies),
      isThere: async () =>
        (await connections.query<{ there: boolean }>('read', sql.relationExists(), [copies]))[0]?.there ?? false,
      make: () => connections.query('delete', sql.createCopies(copies)),
      add: async (at) =>
        connections.query('delete', sql.copyRing(connections.table, await this.#columnsOfTable(), copies), [at]),
    };
  }

  async read(): Promise<{ rows: RingRow[]; now: Date }> {
    const c = await this.#columnsOfTable();
    const rows = await this.#connections.query<RingRow & { now: Date; id: number | null }>(
      'read',
      sql.ringRows(this.#connections.table, c),
    );
    return {
      rows: rows.flatMap(({ id, friendlyName, xml }) => (id === null ? [] : [{ id, friendlyName, xml }])),
      now: rows[0]?.now ?? new Date(),
    };
  }

  async change(
    isAsExpected: (rows: RingRow[]) => boolean,
    { add, replace, remove }: RowChange,
    signal: AbortSignal,
  ): Promise<boolean> {
    const c = await this.#columnsOfTable();
    const t = this.#connections.table;
    const { client } = await this.#connections.dedicated('delete');
    const end = () => endConnection(client);
    signal.addEventListener('abort', end, { once: true });
    try {
      await client.query(beginLocal('delete', this.#connections.limits, this.#statementTimeoutMs));
      await client.query(sql.lockRing(t));
      const { rows } = await client.query<RingRow>(sql.ringRows(t, c));
      if (!isAsExpected(rows.filter(({ id }) => id !== null))) return false;
      for (const { name, xml } of add) await client.query(sql.insertElement(t, c), [name, xml]);
      for (const { id, xml } of replace) await client.query(sql.updateElement(t, c), [id, xml]);
      for (const id of remove) await client.query(sql.deleteElement(t, c), [id]);
      await client.query('commit');
      return true;
    } catch (error) {
      throw this.#connections.translate(error, 'delete');
    } finally {
      // Without a commit the server rolls it back.
      signal.removeEventListener('abort', end);
      await end();
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  async #columnsOfTable(): Promise<sql.RingColumns> {
    if (this.#columns) return this.#columns;
    const { table } = this.#connections;
    const rows = await this.#connections.query<Found>('read', sql.tablesLike(), [table, this.#name.table]);
    const found = rows.find(({ isMeant }) => isMeant);
    if (!found) throw this.#missing(rows);
    this.#columns = {
      id: this.#columnOf(found, 'Id'),
      friendlyName: this.#columnOf(found, 'FriendlyName'),
      xml: this.#columnOf(found, 'Xml'),
    };
    return this.#columns;
  }

  /** As the entity names it, or as a naming convention does: `friendly_name`. */
  #columnOf({ columns }: Found, property: string): string {
    const plain = (name: string) => name.replaceAll('_', '').toLowerCase();
    const column = columns.find((name) => name === property) ?? columns.find((name) => plain(name) === plain(property));
    if (column !== undefined) return quoteIdentifier(column);
    const message = `column "${property}" does not exist`;
    throw this.#connections.failure('42703', message, 'read');
  }

  #missing(others: readonly Found[]): Error {
    const failure = this.#connections.failure('42P01', `relation ${this.#connections.table} does not exist`, 'read');
    if (others.length === 0) return failure;
    const names = others.map((other) => quoteTable(other)).join(', ');
    return new KeyRingError(
      failure.code,
      `${this.description}: ${failure.message}, but there is ${names}.`,
      "Name it in the ring's store in KEY_RINGS: `table` is taken letter by letter, as Entity Framework does.",
    );
  }
}

/** A ring in a table on PostgreSQL. No try to connect, and no statement, takes longer than the store is waited for. */
export function postgresRing(
  { table, connection, clock }: { table: TableName; connection: PostgresConnection; clock: Clock },
  patience = new Patience({ clock }),
): TableStore {
  const connectTimeoutMs = Math.min(connection.connectTimeoutMs, patience.eachMs / connection.hosts.length);
  const options = { connection: { ...connection, connectTimeoutMs }, statementTimeoutMs: patience.eachMs, clock };
  return new TableStore(() => new PostgresRingTable(table, options), patience);
}
