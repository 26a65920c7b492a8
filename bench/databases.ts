import { statfs } from 'node:fs/promises';
import pg from 'pg';
import type { LocalPostgres } from '../dev/embeddedPostgres.ts';
import { createTable, seedEntries } from '../dev/seed.ts';
import { numberText } from '../src/lib/sql/summaries.ts';
import { table } from './ways.ts';

/** By measure: heap, TOAST and indexes. */
const bytesPerEntry = 7_000;

/** One template with the seeded table, and one copy of it at a time: every way starts from the same pages. */
export class Databases {
  readonly #server: LocalPostgres;

  constructor(server: LocalPostgres) {
    this.#server = server;
  }

  get copyUrl(): string {
    return this.#server.url('bench');
  }

  /** @param liveForHours of entries that live, none expires sooner */
  async seedTemplate(
    entries: number,
    shuffled: boolean,
    signal: AbortSignal,
    { expiredShare = 0.7, liveForHours = 0 } = {},
  ): Promise<void> {
    await this.#checkDisk(entries);
    await this.#server.createDatabase('template');
    const url = this.#server.url('template');
    await run(url, [createTable(table)]);
    await seedEntries(url, table, { entries, expiredShare, shuffled, onProgress: () => signal.throwIfAborted() });
    await run(url, [
      `delete from ${table} where expiresattime between now() and now() + interval '${liveForHours} hours'`,
      `create index "IX_TokenCache_ExpiresAtTime" on ${table} (expiresattime)`,
      `vacuum analyze ${table}`,
    ]);
  }

  /** The checkpoint is the measurement's: none of the copy's work may be left to be done in it. */
  async createCopy(): Promise<void> {
    await this.#admin(['create database bench template template strategy file_copy', 'checkpoint']);
  }

  /**
   * So many entries, `PREFIX0` and on, that have expired in the last half hour, with values of others: written anew, as what an app
   * wrote last lies together.
   */
  async expire(prefix: string, count: number): Promise<void> {
    await run(
      this.copyUrl,
      [
        `insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
         select $1 || n, v.value, now() - interval '2 minutes' - n * interval '1800 s' / $2::int, 1209600
         from generate_series(0, $2::int - 1) as n
         join (select row_number() over () - 1 as m, value from (select value from ${table} limit 200) as first) as v on v.m = n % 200
         on conflict (id) do update set value = excluded.value, expiresattime = excluded.expiresattime`,
      ],
      [prefix, count],
    );
  }

  async dropCopy(): Promise<void> {
    await this.#admin(['drop database if exists bench with (force)']);
  }

  async dropTemplate(): Promise<void> {
    await this.#admin(['drop database if exists template with (force)']);
  }

  /** Rows of the copy that had expired before `instant` and still lie there. */
  async countExpired(instant: Date): Promise<number> {
    const [row] = await run<{ rows: number }>(
      this.copyUrl,
      [`select count(*)::int as rows from ${table} where expiresattime < $1`],
      [instant],
    );
    return row?.rows ?? 0;
  }

  #admin(statements: string[]): Promise<unknown[]> {
    return run(this.#server.url('postgres'), statements);
  }

  /** The template and a copy lie on the disk at once; a full disk in the middle would cost minutes. */
  async #checkDisk(entries: number): Promise<void> {
    const [row] = await run<{ folder: string }>(this.#server.url('postgres'), [
      `select current_setting('data_directory') as folder`,
    ]);
    const { bavail, bsize } = await statfs(row?.folder ?? '.');
    const needed = 2.2 * entries * bytesPerEntry;
    if (bavail * bsize >= needed) return;
    throw new Error(
      `${numberText(entries)} entries need ${(needed / 1e9).toFixed(1)} GB of disk for the server's data, and ${((bavail * bsize) / 1e9).toFixed(1)} GB are free. Measure a smaller size by --entries, or set TMPDIR.`,
    );
  }
}

/** Runs the statements one after the other on a connection of their own; the last one's rows. */
async function run<R extends pg.QueryResultRow>(url: string, statements: string[], values?: unknown[]): Promise<R[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: R[] = [];
    for (const statement of statements) rows = (await client.query<R>(statement, values)).rows;
    return rows;
  } finally {
    await client.end();
  }
}
