import { type Clock, systemClock } from './clock.ts';
import { parseDuration } from './durations.ts';
import { entraAccessToken, entraCredential, entraToken } from './entraToken.ts';
import { MaintenanceError } from './errors.ts';
import { SqlCachedEntries } from './keyRing/sqlCachedEntries.ts';
import { KeyRingMaintenance } from './keyRingMaintenance.ts';
import { isAzureHost, regionOfHost } from './redisCache/azureHosts.ts';
import { parseConnectionString } from './redisCache/connectionString.ts';
import { EntraLogin, redisScope } from './redisCache/entraLogin.ts';
import type { RedisConnection } from './redisCache/redisConnection.ts';
import type { StateStore, WatchState } from './redisCache/state.ts';
import { type WatchContext, type WatchRequest, watchRedis } from './redisCache/watch.ts';
import { measurePing, measureWatch } from './redisCache/watchMetrics.ts';
import type { WatchReport } from './redisCache/watchReport.ts';
import { summarizeWatch, watchWarnings } from './redisCache/watchSummary.ts';
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

const statesInMemory = new Map<string, WatchState>();

/** The jobs of this project, put together from the settings. Where adapters are chosen, and nowhere else. */
export class Maintenance {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly records: RecordStore;
  readonly keyRings: KeyRingMaintenance;

  constructor(settings: Settings, log: Log, records: RecordStore, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.records = records;
    this.keyRings = new KeyRingMaintenance(settings, { clock, log, records }, (caches) => this.#entriesOf(caches));
  }

  /** Names of all SQL caches of the settings, those that cannot be used included: their runs fail with the reason. */
  sqlCaches(): string[] {
    const usable = this.#settings.caches.filter(({ engine }) => engine !== 'redis').map(({ name }) => name);
    return [...new Set([...usable, ...this.#broken((engine) => engine !== 'redis')])];
  }

  /** Names of all Redis caches of the settings, as {@link sqlCaches}. */
  redisCaches(): string[] {
    const usable = this.#settings.caches.filter(({ engine }) => engine === 'redis').map(({ name }) => name);
    return [...new Set([...usable, ...this.#broken((engine) => engine === 'redis')])];
  }

  /** A cache that one setting alone concerns, such as a threshold, is not broken: it stands among the usable ones. */
  #broken(ofEngine: (engine: string | undefined) => boolean): string[] {
    const usable = new Set(this.#settings.caches.map(({ name }) => name));
    return this.#settings.problems
      .filter(({ engine }) => ofEngine(engine))
      .flatMap(({ cache }) => (cache && !usable.has(cache) ? [cache] : []));
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

  /** Looks at a Redis cache, and says what that means for the sign-ins. */
  watchRedis(cache: string, trigger: string, request: WatchRequest = {}): Promise<RunResult<WatchReport>> {
    return runJob(
      { clock: this.#clock, records: this.records, log: this.#log },
      {
        job: 'redis',
        cache,
        trigger,
        run: async () => watchRedis(await this.#watchContext(this.#cacheSettings('redis', cache)), request),
        summarize: summarizeWatch,
        warnings: watchWarnings,
        measure: (report) => measureWatch(cache, report),
      },
    );
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
        `Choose one of: ${[...this.sqlCaches(), ...this.redisCaches()].join(', ')}.`,
      );
    return found;
  }

  async #watchContext(cache: CacheSettings): Promise<WatchContext> {
    if (cache.engine !== 'redis')
      throw unsuitable(`${cache.name} is no Redis cache.`, 'The watch is for Redis caches.');
    const { redis } = this.#settings;
    const connection = parseConnectionString(cache.connectionString);
    const { openNode } = await import('./redisCache/ioredis/ioredisNode.ts');
    const options = {
      ...connection,
      ca: redis.ca,
      timeoutMs: connection.connectTimeoutMs,
      login: this.#redisLogin(connection),
    };
    return {
      connection,
      connect: (endpoint, signal) => openNode(endpoint, options, signal),
      state: this.#watchState(`redis|${cache.name}`),
      policy: redis.policy,
      database: connection.database,
      instanceName: cache.instanceName,
      maxMemoryBytes: cache.maxMemoryBytes,
      resource: cache.resourceId ? await this.#resourceMetrics(cache.resourceId, connection) : undefined,
      clock: this.#clock,
      random: Math.random,
      onPing: (node, ms) => measurePing(cache.name, node, ms),
    };
  }

  /** Without a record store the last readings live as long as the process, which on a timer of 5 minutes is often enough. */
  #watchState(key: string): StateStore {
    if (this.records !== noRecordStore)
      return { read: () => this.records.readState(key), write: (state) => this.records.writeState(key, state) };
    return { read: async () => statesInMemory.get(key), write: async (state) => void statesInMemory.set(key, state) };
  }

  #redisLogin({ user, password, endpoints }: RedisConnection) {
    const { authentication } = this.#settings.redis;
    const azure = endpoints.every(({ host }) => isAzureHost(host));
    if (authentication === 'password' || (authentication === 'auto' && (password !== undefined || !azure)))
      return async () => ({ user, password });
    return new EntraLogin(() => entraAccessToken(redisScope), this.#clock, user).login;
  }

  async #resourceMetrics(resourceId: string, { endpoints }: RedisConnection) {
    const region = endpoints.flatMap(({ host }) => regionOfHost(host) ?? [])[0];
    const endpoint = this.#settings.redis.metricsEndpoint ?? `https://${region}.metrics.monitor.azure.com`;
    const { MonitorMetrics } = await import('./redisCache/azureMonitor/monitorMetrics.ts');
    return new MonitorMetrics({ resourceId, endpoint, credential: await entraCredential(), clock: this.#clock });
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
      throw unsuitable(
        `${name} is a Redis cache.`,
        'Redis expires its entries itself: purge, index and counts are for SQL caches.',
      );
  }
}

function unsuitable(message: string, advice: string): MaintenanceError {
  return new MaintenanceError('engine_unsuitable', message, advice);
}

function measureCounts(cache: string, report: CountsReport): void {
  instruments.entries.record(report.active.count, { cache, state: 'active' });
  instruments.entries.record(report.expired.count, { cache, state: 'expired' });
  if (report.dataBytes !== null) instruments.size.record(report.dataBytes, { cache, part: 'data' });
  if (report.indexBytes !== null) instruments.size.record(report.indexBytes, { cache, part: 'index' });
  // Unknown, where finding it took too long.
  if (report.oldestExpiredAge === null && report.expired.count > 0) return;
  const ageMs = report.oldestExpiredAge === null ? 0 : (parseDuration(report.oldestExpiredAge) ?? 0);
  instruments.oldestExpiredAge.record(ageMs / 1000, { cache });
}
