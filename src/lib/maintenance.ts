import { type Clock, systemClock } from './clock.ts';
import { parseDuration } from './durations.ts';
import { entraToken } from './entraToken.ts';
import { MaintenanceError } from './errors.ts';
import { SqlCachedEntries } from './keyRing/sqlCachedEntries.ts';
import { KeyRingMaintenance } from './keyRingMaintenance.ts';
import { FileRecordStore } from './runs/fileRecordStore.ts';
import { noRecordStore, type RecordStore } from './runs/recordStore.ts';
import { type Job, type Log, type RunResult, runJob } from './runs/runJob.ts';
import type { CacheSettings } from './settings/cacheSettings.ts';
import { type JobName, settingsError, stops } from './settings/problems.ts';
import type { Settings } from './settings/settings.ts';
import type { CacheTable } from './sqlCache/cacheTable.ts';
import { type CountsReport, countEntries } from './sqlCache/counts.ts';
import { ensureExpiryIndex, type IndexReport, type IndexRequest } from './sqlCache/ensureExpiryIndex.ts';
import { type PurgeRequest, purge } from './sqlCache/purge.ts';
import type { PurgePlan, PurgeReport } from './sqlCache/purgeReport.ts';
import { summarizeCounts, summarizeIndex, summarizePurge } from './sqlCache/summaries.ts';
import { instruments } from './telemetry/metrics.ts';

/** The jobs of this project, put together from the settings. Where adapters are chosen, and nowhere else. */
export class Maintenance {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly records: RecordStore;
  readonly keyRings: KeyRingMaintenance;

  constructor(settings: Settings, log: Log, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.records = settings.recordFolder ? new FileRecordStore(settings.recordFolder) : noRecordStore;
    this.keyRings = new KeyRingMaintenance(settings, { clock, log, records: this.records }, (caches) =>
      this.#entriesOf(caches),
    );
  }

  /** Names of all SQL caches of the settings, those that cannot be used included: their runs fail with the reason. */
  sqlCaches(): string[] {
    const usable = this.#settings.caches.filter(({ engine }) => engine !== 'redis').map(({ name }) => name);
    const broken = this.#settings.problems.flatMap(({ cache }) => cache ?? []);
    return [...new Set([...usable, ...broken])];
  }

  purge(cache: string, trigger: string, request: PurgeRequest = {}): Promise<RunResult<PurgeReport | PurgePlan>> {
    const maxRows = request.maxRows ?? this.#settings.purgeRowLimit;
    const run = (table: CacheTable) =>
      purge(
        { table, policy: this.#settings.purge, clock: this.#clock, position: this.#position(cache) },
        { ...request, ...(maxRows !== undefined && { maxRows }) },
      );
    return this.#run('purge', cache, trigger, run, {
      summarize: summarizePurge,
      warnings: (report) => report.warnings,
      measure: (report) => {
        if (!report.dryRun) instruments.purgeDeleted.add(report.deleted, { cache, trigger });
      },
    });
  }

  ensureIndex(cache: string, trigger: string, request: IndexRequest = {}): Promise<RunResult<IndexReport>> {
    return this.#run(
      'index',
      cache,
      trigger,
      (table) => ensureExpiryIndex(table, this.#settings.purge.index, this.#clock, request),
      {
        summarize: summarizeIndex,
        measure: ({ after }) => instruments.expiryIndexPresent.record(after === 'present' ? 1 : 0, { cache }),
      },
    );
  }

  counts(cache: string, trigger: string, signal?: AbortSignal): Promise<RunResult<CountsReport>> {
    return this.#run('counts', cache, trigger, (table) => countEntries(table, signal), {
      summarize: summarizeCounts,
      measure: (report) => measureCounts(cache, report),
    });
  }

  /** One run of one job on one cache: opens the table, closes it again, and keeps the record. */
  #run<R>(
    job: JobName,
    cache: string,
    trigger: string,
    work: (table: CacheTable) => Promise<R>,
    shape: Pick<Job<R>, 'summarize' | 'warnings' | 'measure'>,
  ): Promise<RunResult<R>> {
    const run = async () => {
      const table = await openTable(this.#cacheSettings(job, cache), this.#settings.statementTimeoutMs);
      try {
        return await work(table);
      } finally {
        await table.close();
      }
    };
    return runJob(
      { clock: this.#clock, records: this.records, log: this.#log },
      { job, cache, trigger, run, ...shape },
    );
  }

  /** @throws MaintenanceError with what is wrong in the settings that this job needs on this cache */
  #cacheSettings(job: JobName, cache: string): CacheSettings {
    const problems = this.#settings.problems.filter((problem) => stops(problem, job, cache));
    if (problems.length > 0) throw settingsError(problems);
    const found = this.#settings.caches.find(({ name }) => name === cache);
    if (!found)
      throw new MaintenanceError(
        'cache_unknown',
        `No cache is named ${cache}.`,
        `Choose one of: ${this.sqlCaches().join(', ')}.`,
      );
    return found;
  }

  /** Which keys the entries of these caches name. Redis caches have no index by key, and are not looked into. */
  #entriesOf(caches: readonly string[]): SqlCachedEntries {
    const sqlCaches = caches.filter(
      (name) => this.#settings.caches.find((cache) => cache.name === name)?.engine !== 'redis',
    );
    return new SqlCachedEntries(
      sqlCaches.map((name) => ({
        name,
        open: async () => openTable(this.#cacheSettings('counts', name), this.#settings.statementTimeoutMs),
      })),
    );
  }

  #position(cache: string) {
    const key = `position|purge|${cache}`;
    return {
      read: async () => {
        const value = await this.records.readState(key);
        return typeof value === 'string' ? value : undefined;
      },
      write: (position: string | undefined) => this.records.writeState(key, position),
    };
  }
}

/** The adapter of a cache's engine. Its driver is loaded only now: a function app with one engine pays for one. */
async function openTable(
  { name, engine, connectionString, table }: CacheSettings,
  statementTimeoutMs: number,
): Promise<CacheTable> {
  switch (engine) {
    case 'postgres': {
      const { PostgresCacheTable } = await import('./sqlCache/postgres/postgresCacheTable.ts');
      return new PostgresCacheTable({ connectionString, table, statementTimeoutMs, token: entraToken });
    }
    case 'sqlserver': {
      const { SqlServerCacheTable } = await import('./sqlCache/sqlServer/sqlServerCacheTable.ts');
      return new SqlServerCacheTable({ connectionString, table, statementTimeoutMs });
    }
    case 'redis':
      throw new MaintenanceError(
        'engine_unsuitable',
        `${name} is a Redis cache.`,
        'Redis expires its entries itself: purge, index and counts are for SQL caches.',
      );
  }
}

function measureCounts(cache: string, report: CountsReport): void {
  instruments.entries.record(report.active.count, { cache, state: 'active' });
  instruments.entries.record(report.expired.count, { cache, state: 'expired' });
  if (report.dataBytes !== null) instruments.size.record(report.dataBytes, { cache, part: 'data' });
  if (report.indexBytes !== null) instruments.size.record(report.indexBytes, { cache, part: 'index' });
  const ageMs = report.oldestExpiredAge === null ? 0 : (parseDuration(report.oldestExpiredAge) ?? 0);
  instruments.oldestExpiredAge.record(ageMs / 1000, { cache });
}
