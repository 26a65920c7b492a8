import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';

/** What Microsoft.Extensions.Caching.Postgres does for a web app, on a table with its columns. */

type Connection = Pick<ClientBase, 'query'>;

const pool = randomBytes(1 << 20);

/** A value of 2 to 9 KB, as incompressible as encrypted tokens. */
export function randomValue(): Buffer {
  const size = 2_000 + Math.floor(Math.random() * 7_000);
  const start = Math.floor(Math.random() * (pool.length - size));
  return pool.subarray(start, start + size);
}

/** A look-up: a live entry is read, and its expiry slides. False where there is none. */
export async function readAndSlide(
  connection: Connection,
  table: string,
  id: string,
  slidingSeconds: number,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update ${table} set expiresattime = now() + make_interval(secs => $2) where id = $1 and expiresattime >= now() returning value`,
    [id, slidingSeconds],
  );
  return rowCount === 1;
}

/** A sign-in: the entry is written in its place where an expired one still lies there, else inserted. */
export async function writeEntry(
  connection: Connection,
  table: string,
  id: string,
  slidingSeconds: number,
): Promise<void> {
  const values = [id, randomValue(), slidingSeconds];
  const { rowCount } = await connection.query(
    `update ${table} set value = $2, expiresattime = now() + make_interval(secs => $3), slidingexpirationinseconds = $3 where id = $1`,
    values,
  );
  if (rowCount) return;
  await connection.query(
    `insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
values ($1, $2, now() + make_interval(secs => $3), $3)
on conflict (id) do update set value = excluded.value, expiresattime = excluded.expiresattime, slidingexpirationinseconds = excluded.slidingexpirationinseconds`,
    values,
  );
}
