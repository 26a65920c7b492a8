/** The ways to delete that are compared, in the order of a round; `idle` deletes nothing. */
export const ways = ['idle', 'purge', 'purgeWithPauses', 'singleDelete', 'fixedLoop'] as const;
export type Way = (typeof ways)[number];

export const labels: Record<Way, string> = {
  idle: 'idle: the load alone',
  purge: 'this purge, pauses off',
  purgeWithPauses: 'this purge, default pauses',
  singleDelete: 'single DELETE',
  fixedLoop: 'fixed loop of 1,000',
};

export const table = 'public.tokencache';

/** As Microsoft.Extensions.Caching.Postgres and SqlServer delete what has expired: one statement, one transaction. */
export const singleDelete = `delete from ${table} where expiresattime < now()`;

/** The batch of the usual hand-written loop. */
export const fixedBatch = `
delete from ${table} where ctid = any(array(select ctid from ${table} where expiresattime < now() limit 1000))`;
