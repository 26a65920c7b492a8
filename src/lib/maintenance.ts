import { type Clock, systemClock } from './clock.ts';
import { parseDuration } from './durations.ts';
import { entraToken } from './entraToken.ts';
import { MaintenanceError } from './errors.ts';
import { FileRecordStore } from './runs/fileRecordStore.ts';
import { openRecordTable } from './runs/openRecordTable.ts';
import { noRecordStore, type RecordStore, type Requester } from './runs/recordStore.ts';
import { type Job, type Log, type RunResult, runJob } from './runs/runJob.ts';
import { type RunningRun, RunningState, readRunning } from './runs/runningState.ts';
import { TableRecordStore } from './runs/tableRecordStore.ts';
import type { CacheSettings } from './settings/cacheSettings.ts';
import { type JobName, settingsError, stops } from './settings/problems.ts';
import type { RecordStoreSettings } from './settings/recordStoreSettings.ts';
import type { Settings } from './settings/settings.ts';
import type { CacheTable } from './sqlCache/cacheTable.ts';
import { type CountsReport, countEntries } from './sqlCache/counts.ts';
import { ensureExpiryIndex, type IndexReport, type IndexRequest } from './sqlCache/ensureExpiryIndex.ts';
import { purge } from './sqlCache/purge.ts';
import type { PurgePlan, PurgeReport } from './sqlCache/purgeReport.ts';
import type { PurgeRequest } from './sqlCache/purgeRequest.ts';
import { summarizeCounts, summarizeIndex, summarizePurge } from './sqlCache/summaries.ts';
import { instruments } from './telemetry/metrics.ts';

/** The jobs of this project, put together from the settings. Where adapters are chosen, and nowhere else. */
export class Maintenance {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly records: RecordStore;

  constructor(settings: Settings, log: Log, records: RecordStore, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.records = records;
  }

  /** Names of all SQL caches of the settings, those that cannot be used included: their runs fail with the reason. */
  sqlCaches(): string[] {
    const usable = this.#settings.caches.filter(({ engine }) => engine !== 'redis').map(({ name }) => name);
    const broken = this.#settings.problems.flatMap(({ cache }) => cache ?? []);
    return [...new Set([...usable, ...broken])];
  }

  /** `started` may name who asked for it. A run that is under way can be seen by `runningPurge`. */
  purge(cache: string, started: Started, request: PurgeRequest = {}): Promise<RunResult<PurgeReport | PurgePlan>> {
    const maxRows = request.maxRows ?? this.#settings.purgeRowLimit;
    const run = async (table: CacheTable, runId: string) => {
      const running = new RunningState(this.records, runningKey(cache), runId, this.#clock);
      const context = { table, policy: this.#settings.purge, clock: this.#clock, position: this.#position(cache) };
      const report = await purge(context, {
        ...request,
        ...(maxRows !== undefined && { maxRows }),
        onStart: () => running.begin(),
        onBatch: ({ tookMs, deleted }) => {
          instruments.purgeBatchDuration.record(tookMs / 1000, { cache });
          running.update(deleted);
        },
      }).finally(() => running.end());
      return report;
    };
    return this.#run('purge', cache, started, run, {
      summarize: summarizePurge,
      warnings: (report) => report.warnings,
      measure: (report) => {
        if (!report.dryRun) instruments.purgeDeleted.add(report.deleted, { cache, trigger: triggerOf(started) });
      },
    });
  }

  /** What is known of the purge that holds the cache's table now; undefined where nothing is known. */
  runningPurge(cache: string): Promise<RunningRun | undefined> {
    return readRunning(this.records, runningKey(cache));
  }

  ensureIndex(cache: string, started: Started, request: IndexRequest = {}): Promise<RunResult<IndexReport>> {
    return this.#run(
      'index',
      cache,
      started,
      (table) => ensureExpiryIndex(table, this.#settings.purge.index, this.#clock, request),
      {
        summarize: summarizeIndex,
        warnings: (report) => report.warnings,
        measure: ({ after }) => instruments.expiryIndexPresent.record(after === 'present' ? 1 : 0, { cache }),
      },
    );
  }

  counts(cache: string, started: Started, signal?: AbortSignal): Promise<RunResult<CountsReport>> {
    return this.#run('counts', cache, started, (table) => countEntries(table, signal), {
      summarize: summarizeCounts,
      measure: (report) => measureCounts(cache, report),
    });
  }

  /** One run of one job on one cache: opens the table, closes it again, and keeps the record. */
  #run<R>(
    job: JobName,
    cache: string,
    started: Started,
    work: (table: CacheTable, runId: string) => Promise<R>,
    shape: Pick<Job<R>, 'summarize' | 'warnings' | 'measure'>,
  ): Promise<RunResult<R>> {
    const run = async (runId: string) => {
      const table = await openTable(this.#cacheSettings(job, cache), this.#settings.statementTimeoutMs);
      try {
        return await work(table, runId);
      } finally {
        await table.close();
      }
    };
    return runJob(
      { clock: this.#clock, records: this.records, log: this.#log },
      { job, cache, trigger: triggerOf(started), requestedBy: requesterOf(started), run, ...shape },
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

const runningKey = (cache: string) => `running|purge|${cache}`;

/** What started a run: a trigger's name, or with it who asked. */
export type Started = string | { trigger: string; requestedBy: Requester };
const triggerOf = (started: Started) => (typeof started === 'string' ? started : started.trigger);
const requesterOf = (started: Started) => (typeof started === 'string' ? undefined : started.requestedBy);

/** The record store that the settings name. One for the process: it knows what it has made and pruned. */
export function openRecordStore(settings: RecordStoreSettings, clock: Clock = systemClock): RecordStore {
  switch (settings.kind) {
    case 'none':
      return noRecordStore;
    case 'file':
      return new FileRecordStore(settings.folder);
    case 'table':
      return new TableRecordStore(
        () => openRecordTable(settings),
        () => clock.now(),
      );
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
