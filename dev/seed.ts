import { randomUUID } from 'node:crypto';
import { Client } from '../src/lib/sql/postgres/client.ts';
import type { ProtectionKey } from './dataProtection.ts';
import { ownKey, tokenEntries } from './tokenEntries.ts';

/** The statements of Microsoft.Extensions.Caching.Postgres 1.2 for its table; the index is a statement of its own there too. */
export const createTable = (table: string) => `
create unlogged table ${table} (
  id varchar(449) collate "C" primary key,
  value bytea not null,
  expiresattime timestamptz not null,
  slidingexpirationinseconds bigint null,
  absoluteexpiration timestamptz null
)`;

/** Makes the table and fills it. */
export async function createSeededTable(url: string, table: string, options: SeedOptions): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query(createTable(table));
  await client.end();
  await seedEntries(url, table, options);
}

export interface SeedOptions {
  entries: number;
  /** Share of the entries that has expired; the oldest expired nine months ago. */
  expiredShare: number;
  /**
   * Entries lie in the order of their last write, as an app leaves them: an entry expires a fixed time after that. One in
   * ten lies elsewhere, in space that others gave back. True: all lie at random, the worst case.
   */
  shuffled?: boolean;
  /** What the entries are protected with; a key of no ring, unless given. */
  key?: ProtectionKey | undefined;
  onProgress?: (seeded: number) => void;
}

const chunk = 5_000;
/** Values made anew for each chunk, of which each entry has one. */
const valuesPerChunk = 200;

/**
 * Fills the table with entries as Microsoft.Identity.Web writes them: keys `{oid}.{tid}`, one in fifty an app token's, and
 * encrypted values.
 */
export async function seedEntries(
  url: string,
  table: string,
  { entries, expiredShare, shuffled = false, key = ownKey(), onProgress }: SeedOptions,
): Promise<void> {
  const client = new Client(url);
  await client.connect();
  const tenant = randomUUID();
  try {
    for (let done = 0; done < entries; done += chunk) {
      const rows = Math.min(chunk, entries - done);
      await client.query(insertChunk(table), [
        tokenEntries(key, valuesPerChunk),
        valuesPerChunk,
        tenant,
        rows,
        expiredShare,
        done,
        entries,
        shuffled ? 1 : strayShare,
      ]);
      onProgress?.(done + rows);
    }
  } finally {
    await client.end();
  }
}

/** Share of the entries that lie out of order. */
const strayShare = 0.1;

/** `age` is the entry's place in the order of expiry, from 0, nine months ago, to 1, in 14 days. */
const insertChunk = (table: string) => `
insert into ${table} (id, value, expiresattime, slidingexpirationinseconds)
select case when random() < 0.02 then $3::text || '_' || gen_random_uuid() || '_AppTokenCache' else gen_random_uuid() || '.' || $3 end,
       ($1::bytea[])[1 + floor(random() * $2::int)::int],
       now() + case when age < $5 then interval '-2 minutes' - (1 - age / $5) * interval '273 days'
                    else interval '5 minutes' + (age - $5) / greatest(1 - $5, 1e-9) * interval '14 days' end,
       1209600
from (
  select case when random() < $8::float8 then random()
              else greatest(0, least(1, ($6::float8 + n) / $7::float8 + (random() - 0.5) * 0.004)) end as age
  from generate_series(0, $4::int - 1) as n
) as entries`;
