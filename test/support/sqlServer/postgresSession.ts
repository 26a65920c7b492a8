import { type Client, connect, type Pool } from '../postgresConnections.ts';
import type { Parameters } from './requests.ts';
import type { Value } from './types.ts';

/** The PostgreSQL session behind one TDS connection: locks and all end with it. */
export class PostgresSession {
  readonly #url: string;
  readonly #control: Pool;
  #client: Promise<Client> | undefined;
  #pid: number | undefined;
  #lockTimeout = 0;
  #running = false;

  constructor(url: string, control: Pool) {
    this.#url = url;
    this.#control = control;
  }

  /** Runs one statement in a transaction of its own; `@name` stands for a parameter. Rows come as arrays. */
  async query(text: string, parameters: Parameters, lockTimeoutMs: number): Promise<Value[][]> {
    this.#client ??= this.#connect();
    const client = await this.#client;
    if (lockTimeoutMs !== this.#lockTimeout) {
      await client.query(`set lock_timeout = ${lockTimeoutMs}`);
      this.#lockTimeout = lockTimeoutMs;
    }
    const values: unknown[] = [];
    const numbers = new Map<string, number>();
    const numbered = text.replace(/@([A-Za-z]\w*)/g, (_, name: string) => {
      if (!(name in parameters)) throw new Error(`the statement came without @${name}`);
      const value = parameters[name] ?? null;
      if (!numbers.has(name)) numbers.set(name, values.push(typeof value === 'bigint' ? String(value) : value));
      return `$${numbers.get(name)}${castOf(value)}`;
    });
    this.#running = true;
    try {
      return (await client.query<Value[]>({ text: numbered, values, rowMode: 'array' })).rows;
    } finally {
      this.#running = false;
    }
  }

  /** Ends the statement that runs now. */
  async cancel(): Promise<void> {
    if (this.#running) await this.#control.query('select pg_cancel_backend($1)', [this.#pid]);
  }

  async end(): Promise<void> {
    // PostgreSQL would finish a statement whose client is gone; SQL Server ends it.
    if (this.#running) await this.#control.query('select pg_terminate_backend($1)', [this.#pid]).catch(() => undefined);
    // A statement that comes in later opens no connection any more.
    this.#client ??= Promise.reject(new Error('the session has ended'));
    await (await this.#client.catch(() => undefined))?.end();
  }

  async #connect(): Promise<Client> {
    // By this name the test database knows the connections of the code under test, and fails a test that leaks one.
    const client = await connect({ connectionString: this.#url, application_name: 'token-cache-maintenance' });
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    this.#pid = rows[0]?.pid;
    return client;
  }
}

function castOf(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'string') return '::text';
  if (typeof value === 'boolean') return '::boolean';
  return Buffer.isBuffer(value) ? '::bytea' : '::bigint';
}
