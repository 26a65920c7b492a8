import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { AppPurge, CacheTable, DatabaseLoad, ExpiredEntries, RunLock } from '../cacheTable.ts';
import { readAppPurge } from './appPurge.ts';
import type { SqlServerConnection } from './connectionString.ts';
import { type ConnectionOptions, SqlServerConnections } from './connections.ts';
import { sqlServerEntries } from './entries.ts';
import { SqlServerExpiryIndex } from './expiryIndex.ts';
import { SqlServerFigures } from './figures.ts';
import { SqlServerInspection } from './inspection.ts';
import { readSqlServerLoad } from './load.ts';
import { trySqlServerLock } from './runLock.ts';
import { readServerTraits, type ServerTraits } from './serverTraits.ts';
import * as statements from './statements.ts';
import { quoteIdentifier, quoteTable, type TableName } from './tableName.ts';

export interface SqlServerOptions {
  connection: SqlServerConnection;
  table: TableName;
  statementTimeoutMs: number;
  clock?: Clock | undefined;
  /** Where Entra tokens come from, if not from what the connection string says. */
  credential?: ConnectionOptions['credential'];
}

/** The table of `dotnet sql-cache create`. Connects when first asked something. */
export class SqlServerCacheTable implements CacheTable {
  readonly engine = 'sqlserver';
  /** Lock escalation sets in at about 5,000 locks of a statement on one index; a table lock stops sign-ins. */
  readonly maxBatchRows = 2_000;
  readonly displayName: string;
  readonly entries: ExpiredEntries;
  readonly expiryIndex: SqlServerExpiryIndex;
  readonly figures: SqlServerFigures;
  readonly inspection: SqlServerInspection;
  readonly #connections: SqlServerConnections;
  readonly #name: TableName;
  readonly #user: string;
  #traits: Promise<ServerTraits> | undefined;

  constructor({ connection, table: name, ...options }: SqlServerOptions) {
    const { login } = connection;
    this.#name = name;
    this.displayName = quoteTable(name);
    this.#user = 'user' in login ? quoteIdentifier(login.user) : 'the identity';
    this.#connections = new SqlServerConnections(connection, { ...options, table: this.displayName });
    const traits = () => this.#serverTraits();
    this.entries = sqlServerEntries(this.#connections, this.displayName);
    this.figures = new SqlServerFigures(this.#connections, this.displayName);
    this.inspection = new SqlServerInspection(this.#connections, name, this.figures, traits);
    this.expiryIndex = new SqlServerExpiryIndex(this.#connections, this.displayName, this.figures, traits);
  }

  async clock(): Promise<Date> {
    const [row] = await this.#connections.query<{ now: Date }>('read', statements.clock(this.displayName));
    return row?.now ?? this.#connections.clock.now();
  }

  tryLock(purpose: 'purge' | 'index'): Promise<RunLock | undefined> {
    // A resource has at most 255 characters; names differ by case only where the collation takes them for one.
    const id = createHash('sha256').update(this.displayName.toLowerCase()).digest('hex').slice(0, 32);
    return trySqlServerLock(this.#connections, `token-cache-maintenance|${purpose}|${id}`);
  }

  async load(): Promise<DatabaseLoad> {
    return readSqlServerLoad(this.#connections, await this.#serverTraits(), this.#user);
  }

  async appPurge(): Promise<AppPurge> {
    return readAppPurge(this.#connections, await this.#serverTraits(), this.#name, this.#user);
  }

  get notes(): readonly string[] {
    return this.#connections.notes;
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  /** Read once; a failure is forgotten, so that the next statement asks again. */
  #serverTraits(): Promise<ServerTraits> {
    this.#traits ??= readServerTraits(this.#connections).catch((error: unknown) => {
      this.#traits = undefined;
      throw error;
    });
    return this.#traits;
  }
}
