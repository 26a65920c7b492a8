import { credentialOf } from '../azure/credentials.ts';
import type { ClearRequest } from '../clearRequest.ts';
import type { KeyUse } from '../keyRing/entries/cachedEntries.ts';
import { redisKeyUse } from '../keyRing/entries/redisCachedEntries.ts';
import { clearRedisCache } from '../redis/clear.ts';
import type { StateStore, WatchState } from '../redis/state.ts';
import { type WatchContext, type WatchRequest, watchRedis } from '../redis/watch.ts';
import { measurePing, measureWatch } from '../redis/watchMetrics.ts';
import type { WatchReport } from '../redis/watchReport.ts';
import { noRecordStore } from '../runs/recordStore.ts';
import { type JobOn, type RunDeps, runJob } from '../runs/runJob.ts';
import { RunningState } from '../runs/runningState.ts';
import type { Settings } from '../settings/settings.ts';
import { redisCacheFor } from './cachesOfEngine.ts';
import { nodesOf } from './redisNodes.ts';

const statesInMemory = new Map<string, WatchState>();

/** The jobs on Redis caches, put together from the settings. */
export class RedisMaintenance {
  readonly #settings: Settings;
  readonly #runs: RunDeps;

  constructor(settings: Settings, runs: RunDeps) {
    this.#settings = settings;
    this.#runs = runs;
  }

  /** Looks at a Redis cache, and says what that means for the sign-ins. */
  readonly watch: JobOn<'redis', WatchRequest> = (cache, started, request = {}, { signal, ...place } = {}) =>
    runJob(this.#runs, {
      job: 'redis',
      subject: cache,
      started,
      dryRun: request.dryRun ?? false,
      place,
      work: async () => watchRedis(await this.#watchContext(cache), { ...request, signal }),
      measure: (report) => measureWatch(cache, report),
    });

  /** Deletes every entry under the cache's prefix; a plan, unless confirmed with the cache's name. */
  readonly clear: JobOn<'clear', ClearRequest> = (cache, started, request = {}, { signal, ...place } = {}) => {
    const { clock, records } = this.#runs;
    const { redis, purge } = this.#settings;
    return runJob(this.#runs, {
      job: 'clear',
      subject: cache,
      started,
      dryRun: request.confirm === undefined,
      place,
      work: async ({ runId, soFar, afterwards }) => {
        const { connection, instanceName } = redisCacheFor(this.#settings, 'clear', cache);
        const open = await nodesOf(connection, clock);
        const { timeBudgetMs, pauseRatio } = purge;
        const policy = { timeBudgetMs, timeoutMs: redis.policy.timeoutMs, keysPerCall: 500, pauseRatio };
        const ringKeys = this.#ringKeys();
        const otherPrefixes = this.#settings.redisCaches.map((each) => each.instanceName);
        const context = { connection, connect: open, open, instanceName, ringKeys, otherPrefixes, policy, clock };
        const running = new RunningState(records, cache, runId, clock);
        afterwards(() => running.forget());
        if (request.confirm !== undefined) running.begin().catch(() => undefined);
        const onProgress = (deleted: number) => {
          running.update(deleted);
          request.onProgress?.(deleted);
        };
        return clearRedisCache(context, cache, { ...request, onProgress, signal }, soFar).finally(() => running.end());
      },
    });
  };

  /** Which keys of a Data Protection ring the cache's entries name. */
  async keyUse(cache: string): Promise<KeyUse> {
    const { clock } = this.#runs;
    const { connection, instanceName } = redisCacheFor(this.#settings, 'redis', cache);
    const open = await nodesOf(connection, clock);
    const { endpoints } = connection;
    const { timeoutMs } = this.#settings.redis.policy;
    return redisKeyUse({
      cache,
      endpoints,
      connect: open,
      open,
      instanceName,
      ringKeys: this.#ringKeys(),
      timeoutMs,
      clock,
    });
  }

  /** Keys of Redis under which rings lie. */
  #ringKeys(): string[] {
    const { redis, rings } = this.#settings;
    return [redis.policy.keyRingKey, ...rings.flatMap(({ store }) => (store.kind === 'redis' ? store.key : []))];
  }

  /** One look for a diagnosis: no readings are kept, and no run is recorded. */
  async look(cache: string, signal: AbortSignal): Promise<WatchReport> {
    return watchRedis(await this.#watchContext(cache), { dryRun: true, signal });
  }

  async #watchContext(cache: string): Promise<WatchContext> {
    const { redis } = this.#settings;
    const { connection, instanceName, maxMemoryBytes, resourceId } = redisCacheFor(this.#settings, 'redis', cache);
    const { clock } = this.#runs;
    return {
      connection,
      connect: await nodesOf(connection, clock),
      state: this.#watchState(`redis|${cache}`),
      policy: redis.policy,
      database: connection.database,
      instanceName,
      maxMemoryBytes,
      resource: resourceId ? await this.#resourceMetrics(resourceId) : undefined,
      clock,
      random: Math.random,
      onPing: (node, ms) => measurePing(cache, node, ms),
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
    const { monitorMetrics } = await import('../redis/azureMonitor/monitorMetrics.ts');
    return monitorMetrics({ resourceId, endpoint, credential: await credentialOf(), clock: this.#runs.clock });
  }
}
