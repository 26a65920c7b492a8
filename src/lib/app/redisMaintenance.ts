import { credentialOf } from '../azure/credentials.ts';
import type { ClearRequest } from '../clearRequest.ts';
import type { CachedEntries } from '../keyRing/cachedEntries.ts';
import { RedisCachedEntries } from '../keyRing/redisCachedEntries.ts';
import { clearRedisCache, type RedisClearContext } from '../redis/clear.ts';
import type { StateStore, WatchState } from '../redis/state.ts';
import { type WatchContext, type WatchRequest, watchRedis } from '../redis/watch.ts';
import { measurePing, measureWatch } from '../redis/watchMetrics.ts';
import type { WatchReport } from '../redis/watchReport.ts';
import { noRecordStore } from '../runs/recordStore.ts';
import { type Asked, type RunDeps, type RunOptions, type RunResult, runJob, type Started } from '../runs/runJob.ts';
import { RunningState } from '../runs/runningState.ts';
import type { Settings } from '../settings/settings.ts';
import type { RedisCache } from '../settings/subjects.ts';
import { redisCacheFor } from './cachesOfEngine.ts';
import { redisPorts } from './redisNodes.ts';

const statesInMemory = new Map<string, WatchState>();

/** The jobs on Redis caches, put together from the settings. */
export class RedisMaintenance {
  readonly #settings: Settings;
  readonly #runs: RunDeps;

  constructor(settings: Settings, runs: RunDeps) {
    this.#settings = settings;
    this.#runs = runs;
  }

  names(): string[] {
    return this.#settings.names.redisCaches;
  }

  /** Looks at a Redis cache, and says what that means for the sign-ins. */
  watch(
    cache: string,
    started: Started,
    request: Asked<WatchRequest> = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'redis'>> {
    return runJob(this.#runs, {
      job: 'redis',
      subject: cache,
      started,
      dryRun: request.dryRun ?? false,
      place,
      work: async () => {
        const context = await this.#watchContext(redisCacheFor(this.#settings, 'redis', cache));
        return watchRedis(context, { ...request, ...(signal && { signal }) });
      },
      measure: (report) => measureWatch(cache, report),
    });
  }

  /** Deletes every entry under the cache's prefix; a plan, unless confirmed with the cache's name. */
  clear(
    cache: string,
    started: Started,
    request: Asked<ClearRequest> = {},
    { signal, ...place }: RunOptions = {},
  ): Promise<RunResult<'clear'>> {
    const { clock, records } = this.#runs;
    return runJob(this.#runs, {
      job: 'clear',
      subject: cache,
      started,
      dryRun: request.confirm === undefined,
      place,
      work: async ({ runId, soFar }) => {
        const context = await this.#clearContext(redisCacheFor(this.#settings, 'clear', cache));
        const running = new RunningState(records, cache, runId, clock);
        if (request.confirm !== undefined) running.begin();
        const onProgress = (deleted: number) => {
          running.update(deleted);
          request.onProgress?.(deleted);
        };
        const asked = { ...request, onProgress, ...(signal && { signal }) };
        return clearRedisCache(context, cache, asked, soFar).finally(() => running.end());
      },
    });
  }

  /** Which keys of a Data Protection ring the cache's entries name. */
  cachedEntries(cache: string): CachedEntries {
    const { clock } = this.#runs;
    return {
      keyUse: async () => {
        const { connection, instanceName } = redisCacheFor(this.#settings, 'redis', cache);
        const { connect, openReader: open } = await redisPorts(connection, clock);
        const { endpoints } = connection;
        const { timeoutMs } = this.#settings.redis.policy;
        const options = { cache, endpoints, connect, open, instanceName, ringKeys: this.#ringKeys(), timeoutMs, clock };
        return new RedisCachedEntries(options).keyUse();
      },
    };
  }

  /** Keys of Redis under which rings lie. */
  #ringKeys(): string[] {
    const { redis, rings } = this.#settings;
    return [redis.policy.keyRingKey, ...rings.flatMap(({ store }) => (store.kind === 'redis' ? store.key : []))];
  }

  async #clearContext({ connection, instanceName }: RedisCache): Promise<RedisClearContext> {
    const { redis, purge } = this.#settings;
    const { clock } = this.#runs;
    const { connect, openRemover: open } = await redisPorts(connection, clock);
    return {
      connection,
      connect,
      open,
      instanceName,
      ringKeys: this.#ringKeys(),
      policy: {
        timeBudgetMs: purge.timeBudgetMs,
        timeoutMs: redis.policy.timeoutMs,
        keysPerCall: 500,
        pauseRatio: purge.pauseRatio,
      },
      clock,
    };
  }

  /** One look for a diagnosis: no readings are kept, and no run is recorded. */
  async look(cache: string, signal: AbortSignal): Promise<WatchReport> {
    const context = await this.#watchContext(redisCacheFor(this.#settings, 'redis', cache));
    return watchRedis(context, { dryRun: true, signal });
  }

  async #watchContext({
    name,
    connection,
    instanceName,
    maxMemoryBytes,
    resourceId,
  }: RedisCache): Promise<WatchContext> {
    const { redis } = this.#settings;
    const { clock } = this.#runs;
    return {
      connection,
      connect: (await redisPorts(connection, clock)).connect,
      state: this.#watchState(`redis|${name}`),
      policy: redis.policy,
      database: connection.database,
      instanceName,
      maxMemoryBytes,
      resource: resourceId ? await this.#resourceMetrics(resourceId) : undefined,
      clock,
      random: Math.random,
      onPing: (node, ms) => measurePing(name, node, ms),
    };
  }

  /** Without a record store the last readings live as long as the process, which on a timer of 5 minutes is often enough. */
  #watchState(key: string): StateStore {
    const { records } = this.#runs;
    if (records !== noRecordStore)
      return { read: () => records.readState(key), write: (state) => records.writeState(key, state) };
    return { read: async () => statesInMemory.get(key), write: async (state) => void statesInMemory.set(key, state) };
  }

  async #resourceMetrics(resourceId: string) {
    const endpoint = this.#settings.redis.metricsEndpoint;
    const { MonitorMetrics } = await import('../redis/azureMonitor/monitorMetrics.ts');
    return new MonitorMetrics({ resourceId, endpoint, credential: await credentialOf(), clock: this.#runs.clock });
  }
}
