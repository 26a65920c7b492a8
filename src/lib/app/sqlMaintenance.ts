import type { ClearRequest } from '../clearRequest.ts';
import type { MaintenanceError } from '../errors.ts';
import { inTime } from '../inTime.ts';
import type { KeyUse } from '../keyRing/entries/cachedEntries.ts';
import { sqlKeyUse } from '../keyRing/entries/sqlCachedEntries.ts';
import type { JobName, ReportOf } from '../runs/catalogue.ts';
import { orUnavailable } from '../runs/recordStore.ts';
import {
  type JobOn,
  type Run,
  type RunContext,
  type RunDeps,
  type RunOptions,
  type RunPlace,
  type RunResult,
  runJob,
  type Started,
} from '../runs/runJob.ts';
import { type RunningRun, readRunning, runningState } from '../runs/runningState.ts';
import type { JobName as SettingsJob } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';
import { earlierLooks, withRise } from '../sql/appPurgeRise.ts';
import type { AppPurge, CacheTable } from '../sql/cacheTable.ts';
import { clearTable } from '../sql/clear.ts';
import { countEntries } from '../sql/counts.ts';
import { ensureExpiryIndex, type IndexRequest } from '../sql/ensureExpiryIndex.ts';
import { KeptFacts } from '../sql/keptFacts.ts';
import { purge } from '../sql/purge.ts';
import type { PurgePolicy, PurgeRequest } from '../sql/purgeRequest.ts';
import { measureBatch, measureCounts, measureIndex, measurePurge } from '../sql/sqlCacheMetrics.ts';
import { sqlCacheFor } from './cachesOfEngine.ts';
import { openTable } from './cacheTables.ts';

/** With their waits some two seconds: what passes sooner is not worth a word. */
const triesUntold = 4;
/** Somebody waits for the page. */
const lockAnswerMs = 5_000;

/**
 * The jobs on SQL caches, put together from the settings.
 * @param kept what is known of tables outlives this object in an instance that makes one for each invocation
 */
export function sqlMaintenance(settings: Settings, runs: RunDeps, kept = new KeptFacts(runs.clock), open = openTable) {
  const { clock, records } = runs;

  const policyOf = (cache: string): PurgePolicy => {
    const { sqlCaches, purge } = settings;
    const mode = sqlCaches.find(({ name }) => name === cache)?.index;
    return { ...purge, index: { ...purge.index, mode } };
  };

  const withTable = async <R>(cache: string, job: SettingsJob, work: (table: CacheTable) => Promise<R>): Promise<R> => {
    const { statementTimeoutMs } = settings;
    const subject = sqlCacheFor(settings, job, cache);
    const table = await open(subject, statementTimeoutMs, clock, kept);
    try {
      return await work(table);
    } catch (error) {
      // It may be that what was known is no longer so.
      kept.of(cache).forget();
      throw error;
    } finally {
      await table.close();
    }
  };

  /** One run of one job on one cache, with its record. */
  const runOn = <J extends JobName & SettingsJob>(
    job: J,
    cache: string,
    started: Started,
    { signal: _, ...place }: RunOptions,
    work: (table: CacheTable, context: RunContext<J>) => Promise<ReportOf<J>>,
    rest: Pick<Run<J>, 'dryRun' | 'measure'>,
  ): Promise<RunResult<J>> => {
    const onTable = (context: RunContext<J>) => withTable(cache, job, (table) => work(table, context));
    return runJob<J>(runs, { job, subject: cache, started, place, work: onTable, ...rest });
  };

  /** Says once, where a run waits for its database: that may take a minute. */
  const waiting = (job: JobName, subject: string) => {
    let tries = 0;
    return ({ code, message }: MaintenanceError) => {
      tries += 1;
      if (tries !== triesUntold) return;
      runs.log('warn', `${job} ${subject}: ${code}. ${message} It is tried again for up to a minute.`, {
        job,
        subject,
      });
    };
  };

  /** What a run that deletes tells of itself while it is under way, and until its record is kept. */
  const tellRunning = (
    cache: string,
    { runId, afterwards }: Pick<RunContext<'purge'>, 'runId' | 'afterwards'>,
    begun?: RunPlace['begun'],
  ) => {
    const running = runningState(records, cache, runId, clock);
    afterwards(() => running.forget());
    return {
      onStart: async () => {
        const before = begun ? await begun() : 0;
        if (before === undefined) return undefined;
        const told = running.begin(before);
        if (begun) await orUnavailable(told);
        else told.catch(() => undefined);
        return before;
      },
      onBatch: ({ tookMs, deleted }: { tookMs: number; deleted: number }) => {
        measureBatch(cache, tookMs);
        running.update(deleted);
      },
      end: () => running.end(),
    };
  };

  /** Where the next purge goes on. */
  const position = (walk: 'purge' | 'pages', cache: string) => {
    const key = `position|${walk}|${cache}`;
    return {
      read: async () => {
        const value = await records.readState(key);
        return typeof value === 'string' ? value : undefined;
      },
      write: (position: string | undefined) => records.writeState(key, position),
    };
  };

  /** May be one part of a longer run. A run that is under way can be seen by `runningPurge`. */
  const purgeCache: JobOn<'purge', PurgeRequest> = (cache, started, request = {}, options = {}) => {
    const maxRows = request.maxRows ?? settings.purgeRowLimit;
    const { trigger } = typeof started === 'string' ? { trigger: started } : started;
    // Somebody waits for any other run.
    const policy = { ...policyOf(cache), ...(trigger !== 'timer' && { paceMs: 0 }) };
    const work = async (table: CacheTable, run: RunContext<'purge'>) => {
      const { end, ...progress } = tellRunning(cache, run, options.begun);
      const context = {
        table,
        policy,
        clock: clock,
        position: position('purge', cache),
        pagePosition: position('pages', cache),
      };
      return purge(context, {
        ...request,
        maxRows,
        signal: options.signal,
        onRetry: waiting('purge', cache),
        ...progress,
        onFailure: run.soFar,
      }).finally(end);
    };
    const measure = (report: ReportOf<'purge'>) => measurePurge(cache, trigger, report);
    return runOn('purge', cache, started, options, work, { dryRun: request.dryRun ?? false, measure });
  };

  /** Deletes every entry, alive or not; a plan, unless confirmed with the cache's name. */
  const clear: JobOn<'clear', ClearRequest> = (cache, started, request = {}, options = {}) => {
    const work = async (table: CacheTable, run: RunContext<'clear'>) => {
      const { end, ...progress } = tellRunning(cache, run);
      const context = { table, policy: settings.purge, clock: clock };
      const asked = { ...request, signal: options.signal };
      return clearTable(context, cache, asked, {
        ...progress,
        onFailure: run.soFar,
        onRetry: waiting('clear', cache),
      }).finally(end);
    };
    return runOn('clear', cache, started, options, work, { dryRun: request.confirm === undefined });
  };

  /** What the purge or clear tells of itself that was found at work on the cache's table just now; undefined where nothing is known. */
  const runningPurge = (cache: string): Promise<RunningRun | undefined> => {
    return readRunning(records, cache, clock.now(), async () => true);
  };

  /** Whether a purge or clear holds the cache's lock; undefined where its database does not say so in a few seconds. */
  const holdsLock = (cache: string): Promise<boolean | undefined> => {
    const unknown = () => undefined;
    const asked = () => withTable(cache, 'purge', (table) => table.isLocked('purge')).catch(unknown);
    return inTime<boolean | undefined>(lockAnswerMs, undefined, asked, unknown);
  };

  const ensureIndex: JobOn<'index', IndexRequest> = (cache, started, request = {}, options = {}) => {
    const { index } = policyOf(cache);
    const work = (table: CacheTable) =>
      ensureExpiryIndex(table, index, clock, {
        ...request,
        signal: options.signal,
        onRetry: waiting('index', cache),
      });
    const measure = (report: ReportOf<'index'>) => measureIndex(cache, report);
    return runOn('index', cache, started, options, work, { dryRun: request.dryRun ?? false, measure });
  };

  const counts: JobOn<'counts'> = (cache, started, _request, options = {}) => {
    const work = async (table: CacheTable) => {
      const patience = { signal: options.signal, onRetry: waiting('counts', cache) };
      const report = await countEntries(table, clock, patience);
      return { ...report, appPurge: await afterEarlierLooks(cache, report) };
    };
    const measure = (report: ReportOf<'counts'>) => measureCounts(cache, report);
    return runOn('counts', cache, started, options, work, { dryRun: false, measure });
  };

  /** Which keys of a Data Protection ring the cache's entries name. */
  const keyUse = (cache: string): Promise<KeyUse> => {
    return withTable(cache, 'counts', (table) => sqlKeyUse(cache, table));
  };

  /** Without records it is not known whether runs that are only counted became more. */
  const afterEarlierLooks = async (cache: string, look: ReportOf<'counts'>) => {
    if (look.appPurge.state !== 'counted') return look.appPurge;
    return records.latestRuns('counts', cache, earlierLooks).then(
      (runs) =>
        withRise(
          look,
          runs.flatMap(({ report }) => report ?? []),
        ),
      (error: Error): AppPurge => ({ state: 'unknown', reason: `earlier counts could not be read: ${error.message}` }),
    );
  };

  return { purge: purgeCache, clear, runningPurge, holdsLock, ensureIndex, counts, keyUse };
}

export type SqlMaintenance = ReturnType<typeof sqlMaintenance>;
