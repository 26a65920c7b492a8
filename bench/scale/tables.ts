import { statfs } from 'node:fs/promises';
import pg from 'pg';
import { createTable, seedEntries } from '../../dev/seed.ts';
import { numberText } from '../../src/lib/sql/summaries.ts';

/** By measure: heap, TOAST and indexes. */
const bytesPerEntry = 7_000;
const expiredShare = 0.7;

export interface SeededTable {
  name: string;
  entries: number;
}

/** Sizes from 100 to the largest, evenly on a logarithmic scale, in an order that mixes them. */
export function mixedSizes(count: number, largest: number): number[] {
  const sizes = Array.from({ length: count }, (_, index) =>
    Math.round(100 * (largest / 100) ** (count === 1 ? 1 : index / (count - 1))),
  );
  // A step that shares no factor with most counts: small and large ones by turns, the same in each round.
  return sizes.map((_, index) => sizes[(index * 37) % count] ?? 100);
}

export async function seedTables(url: string, tables: SeededTable[], signal: AbortSignal): Promise<void> {
  const client = await connect(url);
  try {
    await checkDisk(
      client,
      tables.reduce((sum, { entries }) => sum + entries, 0),
    );
    for (const { name, entries } of tables) {
      signal.throwIfAborted();
      await client.query(`drop table if exists ${name}`);
      await client.query(createTable(name));
      await seedEntries(url, name, { entries, expiredShare, onProgress: () => signal.throwIfAborted() });
      await client.query(`create index on ${name} (expiresattime)`);
      await client.query(`analyze ${name}`);
    }
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

/** Entries that are alive for an hour yet, as a number and a sum over their keys: the same afterwards, or some were lost. */
export async function liveEntries(url: string, tables: SeededTable[], since: Date): Promise<string> {
  const client = await connect(url);
  try {
    const sums: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ live: string }>(
        `select count(*) || '/' || coalesce(sum(hashtextextended(id, 0)::numeric), 0) as live from ${name} where expiresattime > $1::timestamptz + interval '1 hour'`,
        [since],
      );
      sums.push(rows[0]?.live ?? '');
    }
    return sums.join(' ');
  } finally {
    await client.end();
  }
}

/** Entries left that had expired, with the purge's grace, before `since`. */
export async function expiredEntries(url: string, tables: SeededTable[], since: Date): Promise<number> {
  const client = await connect(url);
  try {
    let left = 0;
    for (const { name } of tables) {
      const { rows } = await client.query<{ expired: string }>(
        `select count(*) as expired from ${name} where expiresattime < $1::timestamptz - interval '1 minute'`,
        [since],
      );
      left += Number(rows[0]?.expired ?? 0);
    }
    return left;
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** A full disk in the middle would cost minutes. */
async function checkDisk(client: pg.Client, entries: number): Promise<void> {
  const { rows } = await client.query<{ folder: string }>(`select current_setting('data_directory') as folder`);
  const { bavail, bsize } = await statfs(rows[0]?.folder ?? '.');
  const needed = 1.1 * entries * bytesPerEntry;
  if (bavail * bsize >= needed) return;
  throw new Error(
    `${numberText(entries)} entries need ${(needed / 1e9).toFixed(1)} GB of disk, and ${((bavail * bsize) / 1e9).toFixed(1)} GB are free. Take smaller sizes (--chain-entries, --caches, --largest), or set TMPDIR.`,
  );
}
