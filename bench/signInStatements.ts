import type { Client } from 'pg';
import * as signIns from '../dev/sqlSignIns.ts';
import { ownKey, tokenEntries } from '../dev/tokenEntries.ts';
import { table } from './ways.ts';

export interface SampledKeys {
  live: string[];
  expired: string[];
}

const sampledKeys = 20_000;
const lifetime = { slidingSeconds: 1_209_600, livesSeconds: 1_209_600 };
const values = tokenEntries(ownKey(), 200);

/** Random keys, read up front; of the live ones those that stay alive while the bench runs. */
export async function sampleKeys(client: Client, revived?: { prefix: string; count: number }): Promise<SampledKeys> {
  return {
    live: await sample(client, `expiresattime > now() + interval '1 hour'`),
    expired: revived
      ? Array.from({ length: revived.count }, (_, index) => `${revived.prefix}${index}`)
      : await sample(client, 'expiresattime < now()'),
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

function takeValue(): Buffer {
  return values[Math.floor(Math.random() * values.length)] ?? Buffer.alloc(0);
}

/** A hit: the entry is read, and its expiry slides. */
export async function readAndSlide(client: Client, id: string): Promise<void> {
  await signIns.readAndSlide(client, table, id, lifetime);
}

/** A sign-in after the entry has expired. */
export async function revive(client: Client, id: string): Promise<void> {
  await signIns.writeEntry(client, table, id, takeValue(), lifetime);
}
