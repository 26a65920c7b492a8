import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { table } from './ways.ts';

export interface SampledKeys {
  live: string[];
  expired: string[];
}

const sampledKeys = 20_000;
const slidingSeconds = 1_209_600;
const pool = randomBytes(1 << 20);

/** Random keys, read up front; of the live ones those that stay alive while the bench runs. */
export async function sampleKeys(client: Client): Promise<SampledKeys> {
  return {
    live: await sample(client, `expiresattime > now() + interval '1 hour'`),
    expired: await sample(client, 'expiresattime < now()'),
  };
}

async function sample(client: Client, condition: string): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from ${table} where ${condition} order by random() limit ${sampledKeys}`,
  );
  return rows.map(({ id }) => id);
}

export function takeKey(keys: string[]): string {
  return keys[Math.floor(Math.random() * keys.length)] ?? '';
}

/** A hit: the entry is read, and its expiry slides. */
export async function readAndSlide(client: Client, id: string): Promise<void> {
  await client.query(
    `update ${table} set expiresattime = now() + make_interval(secs => $2) where id = $1 and expiresattime >= now() returning value`,
    [id, slidingSeconds],
  );
}

/** A sign-in after the entry has expired: written in its place where it still lies there, else inserted. */
export async function revive(client: Client, id: string): Promise<void> {
  const size = 2_000 + Math.floor(Math.random() * 7_000);
  const start = Math.floor(Math.random() * (pool.length - size));
  const values = [id, pool.subarray(start, start + size), slidingSeconds];
  const { rowCount } = await client.query(
    `update ${table} set value = $2, expiresattime = now() + make_interval(secs => $3), slidingexpirationinseconds = $3 where id = $1`,
    values,
  );
  if (rowCount) return;
  await client.query(
    `insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
values ($1, $2, now() + make_interval(secs => $3), $3)
on conflict (id) do update set value = excluded.value, expiresattime = excluded.expiresattime, slidingexpirationinseconds = excluded.slidingexpirationinseconds`,
    values,
  );
}
