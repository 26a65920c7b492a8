import type { ClientBase } from 'pg';

/** What Microsoft.Extensions.Caching.Postgres does for a web app, on a table with its columns. */

type Connection = Pick<ClientBase, 'query'>;

/** How long an entry lives after each access, as the app has set it, and as it is here. */
export interface Lifetime {
  slidingSeconds: number;
  /** The same, but in a demonstration, in which time runs faster. */
  livesSeconds: number;
}

/** A look-up: a live entry is read, and its expiry slides. False where there is none. */
export async function readAndSlide(
  connection: Connection,
  table: string,
  id: string,
  { livesSeconds }: Lifetime,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update ${table} set expiresattime = now() + make_interval(secs => $2) where id = $1 and expiresattime >= now() returning value`,
    [id, livesSeconds],
  );
  return rowCount === 1;
}

/** A sign-in: the entry is written in its place where an expired one still lies there, else inserted. */
export async function writeEntry(
  connection: Connection,
  table: string,
  id: string,
  value: Buffer,
  { slidingSeconds, livesSeconds }: Lifetime,
): Promise<void> {
  const values = [id, value, livesSeconds, slidingSeconds];
  const { rowCount } = await connection.query(
    `update ${table} set value = $2, expiresattime = now() + make_interval(secs => $3), slidingexpirationinseconds = $4 where id = $1`,
    values,
  );
  if (rowCount) return;
  await connection.query(
    `insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
values ($1, $2, now() + make_interval(secs => $3), $4)
on conflict (id) do update set value = excluded.value, expiresattime = excluded.expiresattime, slidingexpirationinseconds = excluded.slidingexpirationinseconds`,
    values,
  );
}

/** The library's own purge, word for word (SqlQueries.cs): all that has expired, in one statement. */
export async function deleteExpired(connection: Connection, table: string): Promise<void> {
  await connection.query(`DELETE FROM ${table} WHERE expiresAtTime < $1`, [new Date()]);
}
