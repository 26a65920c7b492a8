/**
 * The one place where tests open connections to PostgreSQL (biome.json sees to that). A backend that is ended from outside
 * ends no test run, and what is still open at the end fails the test, or the file, that left it.
 */
import type { ClientConfig, PoolConfig } from 'pg';
import { afterAll, afterEach, beforeEach, vi } from 'vitest';
import { Client, Pool } from '../../src/lib/sql/postgres/client.ts';

export type { Client, Pool };

/** What is open, each with an error that knows where it was opened. */
const open = new Map<Client | Pool, Error>();

class TestPool extends Pool {
  override async end(): Promise<void> {
    await super.end();
    open.delete(this);
  }
}

/** A connection for the caller to end. */
export async function connect(config: ClientConfig): Promise<Client> {
  const client = remember(new Client({ application_name: 'test', ...config }));
  client.once('end', () => open.delete(client));
  await client.connect();
  return client;
}

/** A pool for the caller to end. */
export function openPool(config: PoolConfig): Pool {
  return remember(new TestPool({ application_name: 'test', ...config }));
}

function remember<T extends Client | Pool>(opened: T): T {
  open.set(opened, new Error('this connection to PostgreSQL is still open at the end'));
  return opened;
}

/** How long a connection may take to end that a server in between ends, when it notices that its client is gone. */
const patienceMs = 5_000;

async function endWhatIsLeft(before: ReadonlySet<Client | Pool>): Promise<void> {
  const left = () => [...open].filter(([opened]) => !before.has(opened));
  await vi.waitUntil(() => left().length === 0, { timeout: patienceMs }).catch(() => undefined);
  const errors = left().map(([, error]) => error);
  await Promise.all(left().map(([opened]) => opened.end()));
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'left open');
}

// This module is imported before the file that uses it registers its own hooks: these run around those.
let openBefore: ReadonlySet<Client | Pool> = new Set();
// A bench, which uses it too, is not a test.
if (process.env.VITEST) {
  beforeEach(() => {
    openBefore = new Set(open.keys());
  });
  afterEach(() => endWhatIsLeft(openBefore));
  afterAll(() => endWhatIsLeft(new Set()));
}
