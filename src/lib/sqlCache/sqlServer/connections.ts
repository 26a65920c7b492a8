import type { TokenCredential } from '@azure/identity';
import sql from 'mssql';
import { MaintenanceError } from '../../errors.ts';
import type { Login, ParsedConnectionString } from './connectionString.ts';
import { type ErrorContext, type Purpose, translateError } from './errors.ts';

export { sql };

/** Named parameters of a statement, each with its type: a guessed type would cost the index. */
export type Parameters = Record<string, { type: sql.ISqlType | (() => sql.ISqlType); value: unknown }>;

export interface QueryOptions {
  timeLimitMs?: number;
}

/**
 * The connections of one cache table: one for reading and one for batches, opened when first needed and replaced when they
 * break, and single ones for the run's lock. Each statement has a deadline; each failure is a CacheTableError.
 */
export class SqlServerConnections {
  readonly #parsed: ParsedConnectionString;
  readonly #context: ErrorContext;
  readonly #statementTimeoutMs: number;
  readonly #pools = new Map<string, Promise<sql.ConnectionPool>>();

  constructor(parsed: ParsedConnectionString, table: string, statementTimeoutMs: number) {
    const { login } = parsed;
    this.#parsed = parsed;
    this.#statementTimeoutMs = statementTimeoutMs;
    const secrets = 'password' in login ? [login.password] : 'clientSecret' in login ? [login.clientSecret] : [];
    this.#context = { table, user: 'user' in login ? login.user : login.clientId, server: parsed.server, secrets };
  }

  /** Runs one statement and returns the rows of its last result. */
  async query<R>(
    purpose: Purpose,
    text: string,
    parameters: Parameters = {},
    options: QueryOptions = {},
  ): Promise<R[]> {
    try {
      const pool = await this.#pool(purpose === 'delete' ? 'batches' : 'reads');
      return await run<R>(pool, text, parameters, options);
    } catch (error) {
      throw this.translate(error, purpose);
    }
  }

  /** A pool of one connection that is never closed as idle, for what lives in a session. The caller closes it. */
  async dedicated(): Promise<sql.ConnectionPool> {
    try {
      return await this.#open({ max: 1, min: 1, idleTimeoutMillis: 2_000_000_000 });
    } catch (error) {
      throw this.translate(error, 'connect');
    }
  }

  translate(error: unknown, purpose: Purpose) {
    return translateError(error, purpose, this.#context);
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(async (pool) => (await pool.catch(() => undefined))?.close()));
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

  async #open(pool: sql.PoolOpts<sql.Connection>): Promise<sql.ConnectionPool> {
    const { config, login } = this.#parsed;
    const opened = new sql.ConnectionPool({
      ...config,
      ...(await authentication(login)),
      requestTimeout: this.#statementTimeoutMs,
      pool,
      // The driver's default asks SELECT 1 before each statement: a broken connection shows in the statement itself.
      ...({ validateConnection: 'socket' } as object),
    });
    // Without a listener, an error of an idle connection would end the process.
    opened.on('error', () => undefined);
    return opened.connect();
  }
}

/** Runs one statement on the given pool, its failure as the driver throws it. */
export async function run<R>(
  pool: sql.ConnectionPool,
  text: string,
  parameters: Parameters = {},
  { timeLimitMs }: QueryOptions = {},
): Promise<R[]> {
  const request = new (sql.Request as unknown as new (pool: sql.ConnectionPool, overrides: object) => sql.Request)(
    pool,
    timeLimitMs === undefined ? {} : { requestTimeout: Math.max(1, Math.round(timeLimitMs)) },
  );
  for (const [name, { type, value }] of Object.entries(parameters)) request.input(name, type, value);
  const { recordsets } = await request.query(text);
  return ((recordsets as unknown as R[][]).at(-1) ?? []) as R[];
}

async function authentication(login: Login): Promise<Partial<sql.config>> {
  if (login.kind === 'sql') return { user: login.user, password: login.password };
  const credential = await credentialFor(login);
  return {
    authentication: { type: 'token-credential', options: { credential } } as unknown as NonNullable<
      sql.config['authentication']
    >,
  };
}

/** Loaded only when Entra ID is used: it is the largest of the dependencies. */
async function credentialFor(login: Exclude<Login, { kind: 'sql' }>): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  switch (login.kind) {
    case 'managedIdentity':
      return login.clientId
        ? new identity.ManagedIdentityCredential({ clientId: login.clientId })
        : new identity.ManagedIdentityCredential();
    case 'workloadIdentity':
      return new identity.WorkloadIdentityCredential(login.clientId ? { clientId: login.clientId } : {});
    case 'default':
      return new identity.DefaultAzureCredential(login.clientId ? { managedIdentityClientId: login.clientId } : {});
    case 'servicePrincipal': {
      const tenantId = login.tenantId ?? process.env.AZURE_TENANT_ID;
      if (tenantId) return new identity.ClientSecretCredential(tenantId, login.clientId, login.clientSecret);
      throw new MaintenanceError(
        'connection_string_invalid',
        'A service principal needs its tenant.',
        'Add `Tenant ID=…` to the connection string, or set AZURE_TENANT_ID.',
      );
    }
  }
}
