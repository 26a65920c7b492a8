import type { ClearRequest } from '../clearRequest.ts';
import type { JobName, ReportOf } from '../runs/catalogue.ts';
import {
  type Asked,
  type Run,
  type RunContext,
  type RunDeps,
  type RunOptions,
  type RunResult,
  runJob,
  type Started,
} from '../runs/runJob.ts';
import { type RunningRun, RunningState, readRunning } from '../runs/runningState.ts';
import type { JobName as SettingsJob } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import type { CacheTable } from '../sql/cacheTable.ts';
import { clearTable } from '../sql/clear.ts';
import { countEntries } from '../sql/counts.ts';
import { ensureExpiryIndex, type IndexRequest } from '../sql/ensureExpiryIndex.ts';
import { purge } from '../sql/purge.ts';
import type { PurgeRequest } from '../sql/purgeRequest.ts';
import { measureBatch, measureCounts, measureIndex, measurePurge } from '../sql/sqlCacheMetrics.ts';
import { sqlCacheFor } from './cachesOfEngine.ts';
import { openTable } from './cacheTables.ts';

/** The jobs on SQL caches, put together from the settings. */
export class SqlMaintenance {
  readonly #settings: Settings;
  readonly #runs: RunDeps;

  constructor(settings: Settings, runs: RunDeps) {
    this.#settings = settings;
    this.#runs = runs;
  }

  names(): string[] {
    return this.#settings.names.sqlCaches;
  }

  /** May be one part of a longer run. A run that is under way can be seen by `runningPurge`. */
  purge(
    cache: string,
    started: Started,
    request: Asked<PurgeRequest> = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'purge'>> {
    const maxRows = request.maxRows ?? this.#settings.purgeRowLimit;
    const work = async (table: CacheTable, { runId, soFar }: RunContext<'purge'>) => {
      const { end, ...progress } = this.#running(cache, runId);
      const context = {
        table,
        policy: this.#settings.purge,
        clock: this.#runs.clock,
        position: this.#position('purge', cache),
        pagePosition: this.#position('pages', cache),
      };
      return purge(context, {
        ...request,
        ...(maxRows !== undefined && { maxRows }),
        ...(signal && { signal }),
        ...progress,
        onFailure: soFar,
      }).finally(end);
    };
    const { trigger } = typeof started === 'string' ? { trigger: started } : started;
    const measure = (report: ReportOf<'purge'>) => measurePurge(cache, trigger, report);
    return this.#run('purge', cache, started, work, { dryRun: request.dryRun ?? false, measure, place });
  }

  /** Deletes every entry, alive or not; a plan, unless confirmed with the cache's name. */
  clear(
    cache: string,
    started: Started,
    request: Asked<ClearRequest> = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'clear'>> {
    const work = async (table: CacheTable, { runId, soFar }: RunContext<'clear'>) => {
      const { end, ...progress } = this.#running(cache, runId);
      const context = { table, policy: this.#settings.purge, clock: this.#runs.clock };
      const asked = { ...request, ...(signal && { signal }) };
      return clearTable(context, cache, asked, { ...progress, onFailure: soFar }).finally(end);
    };
    return this.#run('clear', cache, started, work, { dryRun: request.confirm === undefined, place });
  }

  /** What is known of the purge or clear that holds the cache's table now; undefined where nothing is known. */
  runningPurge(cache: string): Promise<RunningRun | undefined> {
    return readRunning(this.#runs.records, cache, this.#runs.clock.now());
  }

  ensureIndex(
    cache: string,
    started: Started,
    request: Asked<IndexRequest> = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'index'>> {
    const { index } = this.#settings.purge;
    const work = (table: CacheTable) =>
      ensureExpiryIndex(table, index, this.#runs.clock, { ...request, ...(signal && { signal }) });
    const measure = (report: ReportOf<'index'>) => measureIndex(cache, report);
    return this.#run('index', cache, started, work, { dryRun: request.dryRun ?? false, measure, place });
  }

  counts(
    cache: string,
    started: Started,
    _request: object = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'counts'>> {
    const measure = (report: ReportOf<'counts'>) => measureCounts(cache, report);
    return this.#run('counts', cache, started, (table) => countEntries(table, this.#runs.clock, signal), {
      dryRun: false,
      measure,
      place,
    });
  }

  /** One run of one job on one cache: opens the table, closes it again, and keeps the record. */
  #run<J extends JobName & SettingsJob>(
    job: J,
    cache: string,
    started: Started,
    work: (table: CacheTable, context: RunContext<J>) => Promise<ReportOf<J>>,
    rest: Pick<Run<J>, 'dryRun' | 'measure' | 'place'>,
  ): Promise<RunResult<J>> {
    return runJob(this.#runs, {
      job,
      subject: cache,
      started,
      work: async (context) => {
        const table = await openTable(sqlCacheFor(this.#settings, job, cache), this.#settings.statementTimeoutMs);
        try {
          return await work(table, context);
        } finally {
          await table.close();
        }
      },
      ...rest,
    });
  }

  /** What a run that deletes tells of itself while it is under way. */
  #running(cache: string, runId: string) {
    const running = new RunningState(this.#runs.records, cache, runId, this.#runs.clock);
    return {
      onStart: () => running.begin(),
      onBatch: ({ tookMs, deleted }: { tookMs: number; deleted: number }) => {
        measureBatch(cache, tookMs);
        running.update(deleted);
      },
      end: () => running.end(),
    };
  }

  /** Where the next purge goes on. */
  #position(walk: 'purge' | 'pages', cache: string) {
    const key = `position|${walk}|${cache}`;
    const { records } = this.#runs;
    return {
      read: async () => {
        const value = await records.readState(key);
        return typeof value === 'string' ? value : undefined;
      },
      write: (position: string | undefined) => records.writeState(key, position),
    };
  }
}
