import pg from 'pg';

/** How long a connection may take to end. */
const goodbyeMs = 2_000;

/**
 * A client whose connection may be lost in any state. Node.js ends a process on an `error` event without a listener, and pg
 * emits one whenever no statement waits for an answer; a statement that waits fails by itself.
 */
export class Client extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
    // Where no token can be had, pg leaves the connection to a server that waits a minute for it.
    this.connection.on('error', () => this.connection.stream.destroy());
  }
}

/** A pool of such clients, and as safe itself: it emits the errors of its idle clients once more. */
export class Pool extends pg.Pool {
  readonly #open = new Set<pg.PoolClient>();

  constructor(config: pg.PoolConfig) {
    super({ ...config, Client });
    this.on('error', () => undefined);
    this.on('connect', (client) => this.#open.add(client));
    this.on('remove', (client) => this.#open.delete(client));
  }

  /**
   * Waits for the sockets too, which pg's own does not. A server that answers no more does not say goodbye either: its
   * connections are cut off, lest the process stay.
   */
  override async end(): Promise<void> {
    const cutOff = setTimeout(() => {
      for (const client of this.#open) client.connection.stream.destroy();
    }, goodbyeMs);
    await super.end();
    await Promise.all([...this.#open].map((client) => new Promise<void>((resolve) => client.once('end', resolve))));
    clearTimeout(cutOff);
  }
}

/** Ends a single connection, and cuts it off where the server does not answer. */
export async function endConnection(client: Client): Promise<void> {
  const cutOff = setTimeout(() => client.connection.stream.destroy(), goodbyeMs);
  await client.end().catch(() => undefined);
  clearTimeout(cutOff);
}
