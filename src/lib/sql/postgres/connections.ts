import type { ClientBase, ClientConfig, PoolClient, QueryResult } from 'pg';
import { accessToken } from '../../azure/credentials.ts';
import type { Clock } from '../../clock.ts';
import type { ErrorContext, Purpose } from '../cacheTableError.ts';
import { type Attempt, attemptsOf, isRefusal, NotPrimary, tellsMore } from './attempts.ts';
import { Client, endConnection, Pool } from './client.ts';
import type { PostgresConnection } from './connectionString.ts';
import { breaksConnection, translateError } from './errors.ts';
import { beginLocal, openSession, type SessionUse, type TimeLimits } from './session.ts';

export interface ConnectionOptions {
  connection: PostgresConnection;
  /** The table's name, delimited. */
  table: string;
  statementTimeoutMs: number;
  clock: Clock;
}

/** What is left to a statement when the time of its run is up, so that the run can still say what it did. */
const lastStatementMs = 1_000;
/** How much later than the server the client gives up, for a server that answers no more. */
const silenceMs = 5_000;

/** A connection outside the pools. */
export interface Dedicated {
  client: Client;
  /** The session is this client's alone; else a pooler may give it to another with the next transaction. */
  own: boolean;
}

/**
 * The connections of one cache table: one for reading and one for batches, opened when first needed and replaced when
 * they break, and single ones for the run's lock and for index builds.
 */
export class PostgresConnections {
  /** The table's name, delimited. */
  readonly table: string;
  readonly clock: Clock;
  /** As the newest connection told. */
  limits: TimeLimits = {};
  /** In which sessions of this login begin; as the newest connection told. */
  timeZone = '';
  readonly #options: ConnectionOptions;
  readonly #context: ErrorContext;
  readonly #attempts: Attempt[];
  /**
   * One for each way to connect: statements that begin at once may still be trying another, and a pool that ends leaves those
   * that wait for it without an answer.
   */
  readonly #pools = new Map<SessionUse, Map<Attempt, Pool>>();
  readonly #own = new WeakSet<ClientBase>();
  #deadline = Number.POSITIVE_INFINITY;

  constructor(options: ConnectionOptions) {
    const { user, host, password } = options.connection;
    this.table = options.table;
    this.clock = options.clock;
    this.#options = options;
    this.#context = { table: options.table, user, host, secrets: password ? [password] : [] };
    this.#attempts = attemptsOf(options.connection);
  }

  /** No statement that begins from now on lasts longer than the run's time, but for a last look. */
  endBy(deadline: number): void {
    this.#deadline = deadline;
  }

  /**
   * The rows of one statement, a transaction of its own, with a deadline; its failure is a CacheTableError.
   * @param timeLimitMs one of its own, which the server keeps to; it then fails with kind `timeLimit`
   */
  async query<R extends object>(
    purpose: Purpose,
    text: string,
    values: unknown[] = [],
    timeLimitMs?: number,
  ): Promise<R[]> {
    return (await this.#run<R>(purpose, text, values, timeLimitMs)).rows;
  }

  /** As {@link query}, of a statement that changes rows: how many it did. */
  async change(purpose: Purpose, text: string, values: unknown[]): Promise<number> {
    return (await this.#run(purpose, text, values)).rowCount ?? 0;
  }

  /** A connection of its own, outside the pools. The caller ends it. */
  async dedicated(use: SessionUse): Promise<Dedicated> {
    const open = async (attempt: Attempt) => {
      const { query_timeout, ...config } = this.#config(attempt);
      const client = new Client(use === 'index' ? config : { ...config, query_timeout });
      try {
        await client.connect();
        await this.#open(client, use);
        return { client, own: this.#own.has(client) };
      } catch (error) {
        await endConnection(client);
        throw error;
      }
    };
    try {
      return await this.#firstOf(open);
    } catch (error) {
      throw this.translate(error, 'connect');
    }
  }

  /** The connection for reading, as it is now. What lives in its session lives on, until the client ends. */
  async reading(): Promise<Dedicated> {
    try {
      const client = (await this.#firstOf((attempt) => this.#pool('read', attempt).connect())) as PoolClient & Client;
      client.release();
      return { client, own: this.#own.has(client) };
    } catch (error) {
      throw this.translate(error, 'connect');
    }
  }

  translate(error: unknown, purpose: Purpose) {
    return translateError(error, purpose, this.#context, this.limits);
  }

  /** A failure that the catalogue foretells, as the server would put it. */
  failure(code: string, message: string, purpose: Purpose) {
    return this.translate(Object.assign(new Error(message), { code }), purpose);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].flatMap((pools) => [...pools.values()].map((pool) => pool.end())));
  }

  async #run<R extends object>(
    purpose: Purpose,
    text: string,
    values: unknown[],
    timeLimitMs = this.#options.statementTimeoutMs,
  ): Promise<QueryResult<R>> {
    const use = purpose === 'delete' || purpose === 'index' ? 'delete' : 'read';
    const left = Math.max(lastStatementMs, Math.round(this.#deadline - this.clock.elapsed()));
    const ms = Math.min(Math.max(1, Math.round(timeLimitMs)), left);
    let client: PoolClient | undefined;
    let broken = false;
    try {
      client = await this.#firstOf((attempt) => this.#pool(use, attempt).connect());
      const query = { text, values, query_timeout: ms + silenceMs };
      if (this.#own.has(client) && ms === Math.round(this.#options.statementTimeoutMs))
        return await client.query<R>(query);
      // All three go out at once, and cost one way to the server and back.
      const answers = await Promise.allSettled([
        client.query(beginLocal(use, this.limits, ms)),
        client.query<R>(query),
        client.query('commit'),
      ]);
      const failure = answers.find((answer) => answer.status === 'rejected');
      if (failure) throw failure.reason;
      return (answers[1] as PromiseFulfilledResult<QueryResult<R>>).value;
    } catch (error) {
      broken = breaksConnection(error);
      throw this.translate(error, purpose);
    } finally {
      client?.release(broken);
    }
  }

  /** What the first host gives that takes the connection, in the way that it takes. The one that did is asked first again. */
  async #firstOf<T>(open: (attempt: Attempt) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const attempt of [...this.#attempts]) {
      try {
        const opened = await open(attempt);
        this.#attempts.sort((one, other) => Number(other === attempt) - Number(one === attempt));
        return opened;
      } catch (error) {
        if (tellsMore(error, failure)) failure = error;
        if (!isRefusal(error, this.#options.connection)) throw error;
      }
    }
    throw failure;
  }

  #config({ host, port, ssl }: Attempt): ClientConfig {
    const { connection, statementTimeoutMs } = this.#options;
    return {
      ...driverConfig(connection),
      host,
      port,
      ssl,
      keepAlive: true,
      connectionTimeoutMillis: connection.connectTimeoutMs,
      pipeline: true,
      query_timeout: statementTimeoutMs + silenceMs,
    };
  }

  #pool(use: SessionUse, attempt: Attempt): Pool {
    const pools = this.#pools.get(use) ?? new Map<Attempt, Pool>();
    const known = pools.get(attempt);
    if (known) return known;
    const pool = new Pool({
      ...this.#config(attempt),
      max: 1,
      idleTimeoutMillis: 60_000,
      onConnect: (client) => this.#open(client, use),
    });
    this.#pools.set(use, pools.set(attempt, pool));
    return pool;
  }

  async #open(client: ClientBase, use: SessionUse): Promise<void> {
    const text = openSession(use, (client as { processID?: number }).processID ?? 0, this.#options.statementTimeoutMs);
    const { rows } = await client.query<{ own: boolean; limits: TimeLimits; time_zone: string }>(text);
    this.limits = rows[0]?.limits ?? {};
    this.timeZone = rows[0]?.time_zone ?? '';
    if (rows[0]?.own) this.#own.add(client);
    // Where there are several hosts, one that takes no writes is passed over.
    if (this.#options.connection.hosts.length === 1) return;
    const { rows: states } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (states[0]?.standby) throw new NotPrimary();
  }
}

/** The connection as the driver takes it. Where there is no password, it asks for a token at each login. */
function driverConfig({ user, database, password, token, driver }: PostgresConnection) {
  return {
    ...driver,
    application_name: driver.application_name ?? 'token-cache-maintenance',
    user,
    database,
    password: token ? async () => (await accessToken(token)).token : password?.reveal(),
  };
}
