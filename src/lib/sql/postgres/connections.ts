import type { ClientConfig, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { accessToken } from '../../azure/credentials.ts';
import type { Clock } from '../../clock.ts';
import type { ErrorContext, Purpose } from '../cacheTableError.ts';
import { Client, endConnection, Pool } from './client.ts';
import type { PostgresConnection } from './connectionString.ts';
import { breaksConnection, translateError } from './errors.ts';

export interface ConnectionOptions {
  connection: PostgresConnection;
  /** The table's name, delimited. */
  table: string;
  statementTimeoutMs: number;
  clock: Clock;
}

/** How long a batch waits for a row that an app holds locked before it passes over it. A sign-in holds one for milliseconds. */
const lockTimeoutMs = 100;

/**
 * Settings of every session, each for a reason:
 * - UTC and ISO: instants go out and come back as text, in full precision
 * - no parallel workers: the cores belong to the sign-ins
 * - client_connection_check_interval 0: an index build goes on when its client had to leave (see expiryIndex.ts);
 *   the setting came with PostgreSQL 14
 */
const sessionSettings = (statementTimeoutMs: number) => `
set time zone 'UTC'; set datestyle to 'ISO'; set statement_timeout to ${statementTimeoutMs};
set max_parallel_workers_per_gather to 0;
select set_config('client_connection_check_interval', '0', false) where current_setting('server_version_num')::int >= 140000;`;

/** A batch must not wait long for locks, nor fall back to a scan of the table when the planner's statistics are stale. */
const batchSettings = `set lock_timeout to ${lockTimeoutMs}; set enable_seqscan to off;`;

/**
 * The connections of one cache table: one for reading and one for batches, opened when first needed and replaced when
 * they break, and single ones for the run's lock and for index builds.
 */
export class PostgresConnections {
  /** The table's name, delimited. */
  readonly table: string;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #context: ErrorContext;
  readonly #reads: Pool;
  readonly #batches: Pool;

  constructor(options: ConnectionOptions) {
    const { user, host, password } = options.connection;
    this.table = options.table;
    this.clock = options.clock;
    this.#options = options;
    this.#context = { table: options.table, user, host, secrets: password ? [password] : [] };
    this.#reads = this.#pool('');
    this.#batches = this.#pool(batchSettings);
  }

  /** Runs one statement with a deadline; its failure is a CacheTableError. */
  query<R extends QueryResultRow>(purpose: Purpose, text: string, values: unknown[] = []): Promise<QueryResult<R>> {
    return this.#with(purpose === 'delete' ? this.#batches : this.#reads, purpose, (client) =>
      client.query<R>(text, values),
    );
  }

  /** Runs one statement in a transaction with a server-side time limit of its own; fails with kind `timeLimit`. */
  queryWithin<R extends QueryResultRow>(timeLimitMs: number, text: string, values: unknown[]): Promise<QueryResult<R>> {
    return this.#with(this.#reads, 'read', async (client) => {
      await client.query('begin read only');
      try {
        await client.query("select set_config('statement_timeout', $1, true)", [
          String(Math.max(1, Math.round(timeLimitMs))),
        ]);
        return await client.query<R>(text, values);
      } finally {
        await client.query('rollback');
      }
    });
  }

  /** A connection of its own, outside the pools. The caller ends it. */
  async dedicated(purpose: Purpose, statementTimeoutMs = this.#options.statementTimeoutMs): Promise<Client> {
    const { query_timeout: _, ...config } = this.#config();
    const client = new Client(statementTimeoutMs === 0 ? config : this.#config());
    try {
      await client.connect();
      await client.query(sessionSettings(statementTimeoutMs));
      return client;
    } catch (error) {
      await endConnection(client);
      throw this.translate(error, purpose === 'read' ? 'connect' : purpose);
    }
  }

  translate(error: unknown, purpose: Purpose) {
    return translateError(error, purpose, this.#context);
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.end(), this.#batches.end()]);
  }

  async #with<T>(pool: Pool, purpose: Purpose, work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let broken = false;
    try {
      client = await pool.connect();
      return await work(client);
    } catch (error) {
      broken = breaksConnection(error);
      throw this.translate(error, purpose);
    } finally {
      client?.release(broken);
    }
  }

  #config(): ClientConfig {
    const { connection, statementTimeoutMs } = this.#options;
    return {
      ...driverConfig(connection),
      keepAlive: true,
      connectionTimeoutMillis: 15_000,
      // The server ends a statement at its timeout; the client gives up a little later, for a server that answers no more.
      query_timeout: statementTimeoutMs + 5_000,
    };
  }

  #pool(settings: string): Pool {
    return new Pool({
      ...this.#config(),
      max: 1,
      idleTimeoutMillis: 60_000,
      onConnect: async (client) => {
        await client.query(sessionSettings(this.#options.statementTimeoutMs) + settings);
      },
    });
  }
}

/** The connection as the driver takes it. Where there is no password, it asks for a token at each login. */
function driverConfig({ host, port, user, database, password, token, tls, certificate, driver }: PostgresConnection) {
  const ssl: ClientConfig['ssl'] = tls && {
    rejectUnauthorized: tls.checked,
    ...(tls.ca && { ca: tls.ca }),
    ...(tls.anyName && { checkServerIdentity: () => undefined }),
    ...(certificate && { cert: certificate.cert, key: certificate.key.reveal() }),
  };
  return {
    ...driver,
    application_name: driver.application_name ?? 'token-cache-maintenance',
    host,
    port,
    user,
    database,
    password: token ? async () => (await accessToken(token)).token : password?.reveal(),
    ssl: ssl ?? false,
  };
}
