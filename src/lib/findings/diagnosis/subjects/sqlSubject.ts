import { once } from '../../../once.ts';
import { timeEach } from '../../../roundTrips.ts';
import type { JobName } from '../../../runs/catalogue.ts';
import type { JobHistory } from '../../../runs/history.ts';
import type { CacheTable } from '../../../sql/cacheTable.ts';
import type { InspectedEntry } from '../../../sql/inspection.ts';
import type { ReadableSubject } from '../connection/timeChecks.ts';
import { type EntriesSubject, kindOf, type SampledCacheEntry } from '../entries/entriesSubject.ts';
import { formatOf } from '../entries/entryFormat.ts';
import { type CacheSubjectOptions, type ClockReading, cacheSubject, onceReached } from './cacheSubject.ts';

/** Entries in the sample: enough to see what one in a hundred is with 99 % certainty. */
const sampledRows = 500;
const latencyReads = 20;

export interface SqlSubjectOptions extends CacheSubjectOptions {
  table: CacheTable;
  /** Another connection to it, so that what is timed does not wait for the other checks. */
  openAnother: () => Promise<CacheTable>;
  /** What the newest records of a job on this cache say. */
  history: <J extends JobName>(job: J, count: number) => Promise<JobHistory<J>>;
  purgeEveryMs: number;
  /** So many purges in a row leave something, where the backlog grows. */
  backlogRuns: number;
  indexMode: 'manage' | 'observe';
}

export type SqlSubject = ReturnType<typeof sqlCacheSubject>;

/** A SQL cache under examination. */
export function sqlCacheSubject(given: SqlSubjectOptions) {
  const { table: first, openAnother, history, purgeEveryMs, backlogRuns, indexMode, ...options } = given;
  const { clock } = options;
  const cache = cacheSubject(options);
  const table = onceReached(cache, async () => first);
  const onTable = <T>(look: (opened: CacheTable) => Promise<T>) => once(async () => look(await table()));
  const clocks = onTable(async (opened): Promise<ClockReading> => {
    // The first statement opens the connection: the second tells the time.
    await opened.clock();
    const start = clock.elapsed();
    const server = await opened.clock();
    return { server, own: clock.now(), roundTripMs: clock.elapsed() - start };
  });
  const sample = onTable((opened) => opened.inspection.sample(sampledRows));
  const index = onTable((opened) => opened.expiryIndex.state());
  const catalogue = onTable((opened) => opened.figures.catalogue());
  return {
    ...cache,
    engine: first.engine,
    purgeEveryMs,
    backlogRuns,
    indexMode,
    history,
    table,
    clocks,
    index,
    catalogue,
    schema: onTable((opened) => opened.inspection.schema()),
    entries: once(async () => {
      const entries = (await sample()).map(entryOf);
      const [{ server }, { entries: total }] = [await clocks(), await catalogue()];
      return { entries, total, now: server };
    }),
    lookups: async () => {
      const [{ inspection }, { kind }] = [await table(), await index()];
      return {
        state: (key) => inspection.state(key),
        keysWithPrefix: (prefix, limit) => inspection.keysWithPrefix(prefix, limit),
        // Without the index it would read the whole table.
        latestKeys: async (limit) =>
          kind === 'present' ? inspection.latestKeys(limit) : (await sample()).slice(0, limit).map(({ key }) => key),
      };
    },
    /** By keys of the sample. */
    readTimes: async (signal) => {
      const [first, ...keys] = (await sample()).slice(0, latencyReads + 1).map(({ key }) => key);
      if (first === undefined) return [];
      const another = await openAnother();
      try {
        // Opens the connection.
        await another.inspection.read(first);
        return await timeEach([first, ...keys], (key) => another.inspection.read(key), clock, signal);
      } finally {
        await another.close();
      }
    },
  } satisfies EntriesSubject & ReadableSubject & Record<string, unknown>;
}

function entryOf({ key, size, expiresAt, slidingSeconds, content }: InspectedEntry): SampledCacheEntry {
  const format = formatOf(content, size);
  return { key, kind: kindOf(key, format), size, expiresAt: expiresAt ?? undefined, slidingSeconds, format };
}
