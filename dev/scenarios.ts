import { Client } from '../src/lib/sql/postgres/client.ts';
import { cacheTable, type LocalServices } from './services.ts';

/** One thing that is broken, live, while the rest of the demonstration goes on. */
export interface Scenario {
  /** What is broken. */
  what: string;
  /** Where it is seen, and when. */
  see: string;
  /** Settings of the function app that break it. */
  settings?: Record<string, string>;
  /** A timer that never fires. */
  deadTimer?: string;
  /** Memory that Redis may use. */
  redisMemory?: string;
  /** Half of the sign-ins are of an instance that protects its entries with a key of its own. */
  strayInstance?: boolean;
  /** The web app purges the SQL cache itself as well. */
  appPurge?: boolean;
  /** What is done to the services once they are filled; the result are further settings. */
  prepare?(services: LocalServices): Promise<Record<string, string>>;
}

/** By their names on the command line. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  backlog: {
    what: 'A purge may delete 10 entries only, and many more expire between two.',
    see: 'After two minutes the status page has the finding backlog-growing, and so does the diagnosis.',
    settings: { PURGE_ROW_LIMIT: '10', SCHEDULE_PURGE: '*/5 * * * * *' },
  },
  evictions: {
    what: 'Redis has memory for half of the entries, and evicts live ones.',
    see: 'Within half a minute the status page has the finding redis-evictions; the diagnosis names the cause.',
    redisMemory: '8mb',
  },
  'key-mismatch': {
    what: 'One of two instances of the web app protects its entries with a key of its own.',
    see: 'Within half a minute the status page has the finding encryption-unknown-keys; the diagnosis has the figures.',
    strayInstance: true,
  },
  'app-purge': {
    what: 'The web app deletes expired entries itself as well, every few seconds, as if many instances of it did.',
    see: 'Within a minute the status page has the finding app-purge; the diagnosis has the line of C# that ends it.',
    appPurge: true,
  },
  'timer-dead': {
    what: 'The timer of the purge does not fire any more.',
    see: 'After six minutes the status page has the finding timer-late: a timer that has stopped cannot say so itself. The diagnosis names it too.',
    deadTimer: 'purgeExpiredEntries',
  },
  'index-missing': {
    what: 'The expiry index is gone, and the database user may not create it.',
    see: 'At once the status page has the finding index-missing; the diagnosis has the statement to run.',
    prepare: withoutIndex,
  },
};

/** The tool's own user then has SELECT and DELETE on the table, and does not own it. */
async function withoutIndex({ sqlCache }: LocalServices): Promise<Record<string, string>> {
  if (!sqlCache) return {};
  const client = new Client(sqlCache);
  await client.connect();
  try {
    const { rows } = await client.query<{ index: string }>(
      `select i.indexrelid::regclass::text as index from pg_index i where i.indrelid = '${cacheTable}'::regclass and not i.indisprimary`,
    );
    for (const { index } of rows) await client.query(`drop index ${index}`);
    await client.query("create role maintenance login password 'maintenance'");
    await client.query(`grant select, delete on ${cacheTable} to maintenance`);
  } finally {
    await client.end();
  }
  const url = new URL(sqlCache);
  url.username = 'maintenance';
  url.password = 'maintenance';
  return { TOKEN_CACHE_CONNECTION_STRING: url.href };
}
