import type { TokenCredential } from '@azure/identity';
import sql from 'mssql';
import { credentialOf, type Identity } from '../../azure/credentials.ts';
import type { Clock } from '../../clock.ts';
import type { CacheTableError, ErrorContext, Purpose } from '../cacheTableError.ts';
import type { SqlServerConnection } from './connectionString.ts';
import { translateError } from './errors.ts';
import { refusesHints, withoutHints } from './hints.ts';
import { LiveConnections } from './liveConnections.ts';
import type { Parameters } from './parameters.ts';

export interface QueryOptions {
  timeLimitMs?: number;
}

export interface ConnectionOptions {
  connection: SqlServerConnection;
  /** The table's name, delimited. */
  table: string;
  statementTimeoutMs: number;
  clock: Clock;
  /** Where Entra tokens come from, if not from what the connection string says. */
  credential?: ((identity: Identity) => Promise<TokenCredential>) | undefined;
}

/** What a statement has at the end of a run's time: to say what is left. */
const lastLookMs = 2_000;

/** A cancel that is not answered for so long means that nobody is there: the connection is given up. */
const cancelTimeoutMs = 2_000;

/**
 * The connections of one cache table: one for reading and one for batches, opened when first needed and replaced when they
 * break, and single ones for the run's lock. Each statement has a deadline; each failure is a CacheTableError.
 */
export class SqlServerConnections {
  readonly #connection: SqlServerConnection;
  readonly #context: ErrorContext;
  /** The table's name, delimited. */
  readonly table: string;
  readonly statementTimeoutMs: number;
  readonly clock: Clock;
  readonly #credentialOf: (identity: Identity) => Promise<TokenCredential>;
  readonly #pools = new Map<string, Promise<sql.ConnectionPool>>();
  readonly #live = new LiveConnections();
  readonly #notes = new Set<string>();
  #hints = true;
  /** On the scale of `clock.elapsed()`. */
  #endAt = Number.POSITIVE_INFINITY;

  constructor({ connection, table, statementTimeoutMs, clock, credential }: ConnectionOptions) {
    const { login, host } = connection;
    this.#connection = connection;
    this.table = table;
    this.statementTimeoutMs = statementTimeoutMs;
    this.clock = clock;
    this.#credentialOf = credential ?? credentialOf;
    const secrets = 'password' in login ? [login.password] : 'clientSecret' in login ? [login.clientSecret] : [];
    const user = 'user' in login ? login.user : login.clientId;
    this.#context = { table, user, byPassword: login.kind === 'sql', host, secrets };
  }

  /** What the server refused, and what was done instead. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  /** False once the server has refused hints: statements then wait for locked rows. */
  get usesHints(): boolean {
    return this.#hints;
  }

  /** Runs one statement and returns the rows of its last result; without hints on a server that refuses them. */
  async query<R>(
    purpose: Purpose,
    text: string,
    parameters: Parameters = {},
    options: QueryOptions = {},
  ): Promise<R[]> {
    const bare = withoutHints(text);
    try {
      return await this.#query(purpose, this.#hints ? text : bare, parameters, options);
    } catch (error) {
      if (!this.#hints || !refusesHints(error) || bare === text) throw error;
      const rows = this.#query<R>(purpose, bare, parameters, options);
      // Where it fails for good without hints as well, they were not the cause.
      this.#hints = await rows.then(
        () => false,
        ({ kind }: CacheTableError) => kind === 'permanent',
      );
      if (!this.#hints)
        this.note(`The server refuses table hints, so statements run without: ${(error as CacheTableError).message}`);
      return rows;
    }
  }

  /**
   * A pool of one connection that is never closed as idle, for what lives in a session. The caller closes it. `onEnd` is
   * told of each of its connections that ends.
   */
  async dedicated(onEnd: () => void): Promise<sql.ConnectionPool> {
    try {
      return await this.#open({ max: 1, min: 1, idleTimeoutMillis: 2_000_000_000 }, onEnd);
    } catch (error) {
      throw this.translate(error, 'connect');
    }
  }

  /** The failure that the server would answer with, told before it is tried. */
  failure(number: number, message: string, purpose: Purpose): CacheTableError {
    const error = Object.assign(new Error(message), { code: 'EREQUEST', number });
    return translateError(error, purpose, this.#context);
  }

  /** From now on a statement ends `ms` from now at the latest, but for {@link lastLookMs}. */
  endWithin(ms: number): void {
    this.#endAt = this.clock.elapsed() + ms;
  }

  translate(error: unknown, purpose: Purpose): CacheTableError {
    return translateError(this.#live.withLoginErrors(error), purpose, this.#context);
  }

  /** Ends every connection, whatever it waits for: a server that answers no more must not keep the process. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#live.close();
    await Promise.all(pools.map(async (pool) => (await pool.catch(() => undefined))?.close()));
  }

  async #query<R>(purpose: Purpose, text: string, parameters: Parameters, options: QueryOptions): Promise<R[]> {
    // Where the run's time is up sooner than the statement's own.
    const left = Math.max(lastLookMs, this.#endAt - this.clock.elapsed());
    const timeLimitMs = Math.min(options.timeLimitMs ?? this.statementTimeoutMs, left);
    try {
      return await run<R>(await this.#pool(purpose === 'delete' ? 'batches' : 'reads'), text, parameters, {
        timeLimitMs,
      });
    } catch (error) {
      throw this.translate(error, purpose);
    }
  }

  /** A failed connect is forgotten, so that the next statement tries again. */
  #pool(name: 'reads' | 'batches'): Promise<sql.ConnectionPool> {
    const known = this.#pools.get(name);
    if (known) return known;
    const opening = this.#open({ max: 1, min: 0, idleTimeoutMillis: 60_000 });
    this.#pools.set(name, opening);
    opening.catch(() => this.#pools.delete(name));
    return opening;
  }

  async #open(pool: sql.PoolOpts<sql.Connection>, onEnd?: () => void): Promise<sql.ConnectionPool> {
    const { connectTimeoutMs } = this.#connection;
    const config = driverConfig(this.#connection);
    const opened = new sql.ConnectionPool({
      ...config,
      ...(await this.#authentication()),
      requestTimeout: this.statementTimeoutMs,
      // The driver's own retry would neither be counted nor know the run's time budget.
      options: { ...config.options, cancelTimeout: cancelTimeoutMs, ...({ maxRetriesOnTransientErrors: 0 } as object) },
      pool: {
        ...pool,
        // Beyond the driver's own limits, so that its errors are the ones that are seen.
        createTimeoutMillis: connectTimeoutMs + 5_000,
        acquireTimeoutMillis: connectTimeoutMs + this.statementTimeoutMs + cancelTimeoutMs + 5_000,
      },
      beforeConnect: (connection: unknown) => this.#live.add(connection, onEnd),
      ...({
        // The driver's default asks SELECT 1 before each statement: a broken connection shows in the statement itself.
        validateConnection: 'socket',
      } as object),
    } as sql.config);
    // Without a listener, an error of an idle connection would end the process.
    opened.on('error', () => undefined);
    return opened.connect();
  }

  async #authentication(): Promise<Partial<sql.config>> {
    const { login } = this.#connection;
    if (login.kind === 'sql') return { user: login.user, password: login.password.reveal() };
    return {
      authentication: {
        type: 'token-credential',
        options: { credential: await this.#credentialOf(login) },
      } as unknown as NonNullable<sql.config['authentication']>,
    };
  }
}

/** The connection as the driver takes it, without the login. */
export function driverConfig(connection: SqlServerConnection): sql.config {
  const { host, port, instance, database, tls, connectTimeoutMs, multiSubnetFailover } = connection;
  return {
    server: host,
    ...(port !== undefined && { port }),
    ...(database !== undefined && { database }),
    connectionTimeout: connectTimeoutMs,
    options: {
      ...(instance && { instanceName: instance }),
      // The driver knows 'strict'; its types do not yet.
      encrypt: tls?.direct ? ('strict' as unknown as boolean) : tls !== undefined,
      trustServerCertificate: tls?.checked === false,
      ...(tls && tls.name !== host && { serverName: tls.name }),
      multiSubnetFailover,
      appName: 'token-cache-maintenance',
      useUTC: true,
    },
  };
}

/** Runs one statement on the given pool, or in a transaction of it; its failure is as the driver throws it. */
export async function run<R>(
  pool: sql.ConnectionPool | sql.Transaction,
  text: string,
  parameters: Parameters = {},
  { timeLimitMs }: QueryOptions = {},
): Promise<R[]> {
  const request = new (sql.Request as unknown as new (parent: typeof pool, overrides: object) => sql.Request)(
    pool,
    timeLimitMs === undefined ? {} : { requestTimeout: Math.max(1, Math.round(timeLimitMs)) },
  );
  for (const [name, { type, value }] of Object.entries(parameters)) request.input(name, type, value);
  const { recordsets } = await request.query(text);
  return ((recordsets as unknown as R[][]).at(-1) ?? []) as R[];
}
