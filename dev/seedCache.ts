/** `npm run seed`: a token cache to try things on, in a PostgreSQL of one's own, as Microsoft.Identity.Web leaves it. */
import { Client } from '../src/lib/sql/postgres/client.ts';
import { translateError } from '../src/lib/sql/postgres/errors.ts';
import { createSeededTable } from './seed.ts';
import { cacheTable } from './services.ts';

const entries = 10_000;
const url = process.env.TOKEN_CACHE_CONNECTION_STRING ?? '';
try {
  await makeDatabase(readUrl(url));
  await createSeededTable(url, cacheTable, { entries, expiredShare: 0.7 });
  console.log(`${cacheTable} has ${entries.toLocaleString('en-US')} entries, of which 70 % have expired.`);
} catch (error) {
  console.error(`Nothing was made. ${reasonOf(error as Error & { code?: string })}`);
  process.exitCode = 1;
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.code === undefined) return error.message;
  if (error.code === '42P07') return `There is a table ${cacheTable} already: name another database.`;
  if (error.code === '42501')
    return `${error.message}. Name a user who may create databases, or have this one made: ALTER ROLE … CREATEDB.`;
  const { username: user, hostname: host } = new URL(url);
  const { message, advice } = translateError(error, 'connect', { table: cacheTable, user, host, secrets: [] });
  return `${message} ${advice}`;
}

function readUrl(text: string): URL {
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new Error(
    "Set TOKEN_CACHE_CONNECTION_STRING to a PostgreSQL of yours: 'postgres://USER:PASSWORD@localhost:5432/webcache'.",
  );
}

/** Where it is missing. */
async function makeDatabase(database: URL): Promise<void> {
  const name = decodeURIComponent(database.pathname.slice(1));
  const connectionString = Object.assign(new URL(database), { pathname: '/postgres' }).href;
  const server = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  await server.connect();
  try {
    const { rows } = await server.query('select 1 from pg_database where datname = $1', [name]);
    if (rows.length === 0) await server.query(`create database ${server.escapeIdentifier(name)}`);
  } finally {
    await server.end();
  }
}
