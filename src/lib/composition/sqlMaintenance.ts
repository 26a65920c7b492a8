import type { ClearRequest } from '../clearRequest.ts';
import { type Job, type RunDeps, type RunResult, runJob } from '../runs/runJob.ts';
import { type RunningRun, RunningState, readRunning, runningKey } from '../runs/runningState.ts';
import type { JobName } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import type { CacheTable } from '../sqlCache/cacheTable.ts';
import { clearTable } from '../sqlCache/clear.ts';
import type { ClearPlan, ClearReport } from '../sqlCache/clearReport.ts';
import { summarizeClear } from '../sqlCache/clearSummary.ts';
import { type CountsReport, countEntries } from '../sqlCache/counts.ts';
import { ensureExpiryIndex, type IndexReport, type IndexRequest } from '../sqlCache/ensureExpiryIndex.ts';
import { purge } from '../sqlCache/purge.ts';
import type { PurgePlan, PurgeReport } from '../sqlCache/purgeReport.ts';
import type { PurgeRequest } from '../sqlCache/purgeRequest.ts';
import { measureBatch, measureCounts, measureIndex, measurePurge } from '../sqlCache/sqlCacheMetrics.ts';
import { summarizeCounts, summarizeIndex, summarizePurge } from '../sqlCache/summaries.ts';
import { cacheFor, sqlCacheNames } from './cachesOfEngine.ts';
import { openTable } from './cacheTables.ts';
import { type Started, startOf } from './started.ts';

/** The jobs on SQL caches, put together from the settings. */
export class SqlMaintenance {
  readonly #settings: Settings;
  readonly #runs: RunDeps;

  constructor(settings: Settings, runs: RunDeps) {
    this.#settings = settings;
    this.#runs = runs;
  }

  names(): string[] {
    return sqlCacheNames(this.#settings);
  }

  /**
   * `started` may name who asked for it. A run that is under way can be seen by `runningPurge`. With `part` it is one part of a
   * longer run.
   */
  purge(
    cache: string,
    started: Started,
    request: PurgeRequest = {},
    part: Pick<Job<PurgeReport | PurgePlan>, 'runId' | 'toRecord'> = {},
  ): Promise<RunResult<PurgeReport | PurgePlan>> {
    const maxRows = request.maxRows ?? this.#settings.purgeRowLimit;
    const { clock, records } = this.#runs;
    const run = async (table: CacheTable, runId: string) => {
      const running = new RunningState(records, runningKey(cache), runId, clock);
      const context = {
        table,
        policy: this.#settings.purge,
        clock,
        position: this.#position('purge', cache),
        pagePosition: this.#position('pages', cache),
      };
      return purge(context, {
        ...request,
        ...(maxRows !== undefined && { maxRows }),
        onStart: () => running.begin(),
        onBatch: ({ tookMs, deleted }) => {
          measureBatch(cache, tookMs);
          running.update(deleted);
        },
      }).finally(() => running.end());
    };
    return this.#run('purge', cache, started, run, {
      summarize: summarizePurge,
      warnings: (report) => report.warnings,
      measure: (report) => measurePurge(cache, startOf(started).trigger, report),
      ...part,
    });
  }

  /** Deletes every entry, alive or not; a plan, unless confirmed with the cache's name. */
  clear(cache: string, started: Started, request: ClearRequest = {}): Promise<RunResult<ClearReport | ClearPlan>> {
    const { clock, records } = this.#runs;
    const run = async (table: CacheTable, runId: string) => {
      const running = new RunningState(records, runningKey(cache), runId, clock);
      return clearTable({ table, policy: this.#settings.purge, clock }, cache, request, {
        onStart: () => running.begin(),
        onBatch: ({ tookMs, deleted }) => {
          measureBatch(cache, tookMs);
          running.update(deleted);
        },
      }).finally(() => running.end());
    };
    return this.#run('clear', cache, started, run, {
      summarize: summarizeClear,
      warnings: (report) => report.warnings,
    });
  }

  /** What is known of the purge or clear that holds the cache's table now; undefined where nothing is known. */
  runningPurge(cache: string): Promise<RunningRun | undefined> {
    return readRunning(this.#runs.records, runningKey(cache));
  }

  ensureIndex(
    cache: string,
    started: Started,
    request: IndexRequest = {},
    runId?: string,
  ): Promise<RunResult<IndexReport>> {
    const { index } = this.#settings.purge;
    const run = (table: CacheTable) => ensureExpiryIndex(table, index, this.#runs.clock, request);
    return this.#run('index', cache, started, run, {
      summarize: summarizeIndex,
      warnings: (report) => report.warnings,
      measure: (report) => measureIndex(cache, report),
      runId,
    });
  }

  counts(cache: string, started: Started, signal?: AbortSignal, runId?: string): Promise<RunResult<CountsReport>> {
    return this.#run('counts', cache, started, (table) => countEntries(table, signal), {
      summarize: summarizeCounts,
      measure: (report) => measureCounts(cache, report),
      runId,
    });
  }

  /** One run of one job on one cache: opens the table, closes it again, and keeps the record. */
  #run<R>(
    job: JobName,
    cache: string,
    started: Started,
    work: (table: CacheTable, runId: string) => Promise<R>,
    shape: Pick<Job<R>, 'summarize' | 'warnings' | 'measure' | 'runId' | 'toRecord'>,
  ): Promise<RunResult<R>> {
    const run = async (runId: string) => {
      const table = await openTable(cacheFor(this.#settings, job, cache), this.#settings.statementTimeoutMs);
      try {
        return await work(table, runId);
      } finally {
        await table.close();
      }
    };
    return runJob(this.#runs, { job, cache, ...startOf(started), run, ...shape });
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
