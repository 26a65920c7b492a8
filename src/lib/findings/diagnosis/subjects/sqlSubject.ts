import { once } from '../../../checks/memo.ts';
import type { RoundTrip } from '../../../roundTrips.ts';
import type { JobName } from '../../../runs/catalogue.ts';
import type { JobHistory } from '../../../runs/history.ts';
import type { CacheTable, CatalogueFigures, ExpiryIndexState } from '../../../sql/cacheTable.ts';
import type { InspectedEntry, SchemaFacts } from '../../../sql/inspection.ts';
import { keyParts } from '../../../tokenKeys.ts';
import type { ReadableSubject } from '../connection/latencyCheck.ts';
import type { EntriesSubject, EntryLookups, EntryReading, SampledCacheEntry } from '../entries/entriesSubject.ts';
import { formatOf } from '../entries/entryFormat.ts';
import { CacheSubject, type CacheSubjectOptions, type ClockReading, onceReached } from './cacheSubject.ts';

/** Entries in the sample: enough to see what one in a hundred is with 99 % certainty. */
export const sampledRows = 500;
const latencyReads = 20;

export interface SqlSubjectOptions extends CacheSubjectOptions {
  table: CacheTable;
  /** Another connection to it, so that what is timed does not wait for the other checks. */
  openAnother: () => Promise<CacheTable>;
  /** What the newest records of a job on this cache say. */
  history: <J extends JobName>(job: J, count: number) => Promise<JobHistory<J>>;
  purgeEveryMs: number;
}

export class SqlSubject extends CacheSubject implements EntriesSubject, ReadableSubject {
  readonly engine: CacheTable['engine'];
  readonly purgeEveryMs: number;
  readonly history: SqlSubjectOptions['history'];
  readonly table: () => Promise<CacheTable>;
  readonly clocks: () => Promise<ClockReading>;
  readonly sample: () => Promise<InspectedEntry[]>;
  readonly entries: () => Promise<EntryReading>;
  readonly schema: () => Promise<SchemaFacts>;
  readonly index: () => Promise<ExpiryIndexState>;
  readonly catalogue: () => Promise<CatalogueFigures>;
  readonly #openAnother: SqlSubjectOptions['openAnother'];

  constructor({ table, openAnother, history, purgeEveryMs, ...options }: SqlSubjectOptions) {
    super(options);
    const { clock } = options;
    this.engine = table.engine;
    this.purgeEveryMs = purgeEveryMs;
    this.history = history;
    this.#openAnother = openAnother;
    this.table = onceReached(this, async () => table);
    const onTable = <T>(look: (table: CacheTable) => Promise<T>) => once(async () => look(await this.table()));
    this.clocks = onTable(async (opened) => {
      // The first statement opens the connection: the second tells the time.
      await opened.clock();
      const start = clock.elapsed();
      const server = await opened.clock();
      return { server, own: clock.now(), roundTripMs: clock.elapsed() - start };
    });
    this.sample = onTable((opened) => opened.inspection.sample(sampledRows));
    this.schema = onTable((opened) => opened.inspection.schema());
    this.index = onTable((opened) => opened.expiryIndex.state());
    this.catalogue = onTable((opened) => opened.figures.catalogue());
    this.entries = once(async () => {
      const sample = await this.sample();
      const [{ server }, { entries: total }] = [await this.clocks(), await this.catalogue()];
      return { entries: sample.map(entryOf), total, now: server };
    });
  }

  async lookups(): Promise<EntryLookups> {
    const [{ inspection }, index] = [await this.table(), await this.index()];
    return {
      state: (key) => inspection.state(key),
      keysWithPrefix: (prefix, limit) => inspection.keysWithPrefix(prefix, limit),
      // Without the index it would read the whole table.
      latestKeys: async (limit) =>
        index.kind === 'present'
          ? inspection.latestKeys(limit)
          : (await this.sample()).slice(0, limit).map(({ key }) => key),
    };
  }

  /** By keys of the sample. */
  async readTimes(signal: AbortSignal): Promise<RoundTrip[]> {
    const [first, ...keys] = (await this.sample()).slice(0, latencyReads + 1).map(({ key }) => key);
    if (first === undefined) return [];
    const table = await this.#openAnother();
    try {
      // Opens the connection.
      await table.inspection.read(first);
      return await this.timed([first, ...keys], (key) => table.inspection.read(key), signal);
    } finally {
      await table.close();
    }
  }
}

function entryOf({
  key,
  size,
  expiresAt,
  slidingSeconds,
  absoluteExpiration,
  content,
}: InspectedEntry): SampledCacheEntry {
  return {
    key,
    kind: keyParts(key).kind,
    size,
    expiresAt: Number.isNaN(expiresAt.getTime()) ? undefined : expiresAt,
    slidingSeconds,
    hasAbsoluteExpiration: absoluteExpiration !== null,
    format: formatOf(content, size),
  };
}
