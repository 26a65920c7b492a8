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
import { runningState } from '../runs/runningState.ts';
import type { Settings } from '../settings/settings.ts';
import { redisCacheFor } from './cachesOfEngine.ts';
import { nodesOf } from './redisNodes.ts';

const statesInMemory = new Map<string, WatchState>();

/** The jobs on Redis caches, put together from the settings. */
export function redisMaintenance(settings: Settings, runs: RunDeps) {
  const { clock, records } = runs;
  const { redis, purge, rings } = settings;
  /** Keys of Redis under which rings lie. */
  const ringKeys = [
    redis.policy.keyRingKey,
    ...rings.flatMap(({ store }) => (store.kind === 'redis' ? store.key : [])),
  ];

  /** Without a record store the last readings live as long as the process, which on a timer of 5 minutes is often enough. */
  const watchState = (key: string): StateStore => {
    if (records !== noRecordStore)
      return { read: () => records.readState(key), write: (state) => records.writeState(key, state) };
    return { read: async () => statesInMemory.get(key), write: async (state) => void statesInMemory.set(key, state) };
  };

  const resourceMetrics = async (resourceId: string) => {
    const { monitorMetrics } = await import('../redis/azureMonitor/monitorMetrics.ts');
    return monitorMetrics({ resourceId, endpoint: redis.metricsEndpoint, credential: await credentialOf(), clock });
  };

  const watchContext = async (cache: string): Promise<WatchContext> => {
    const { connection, instanceName, maxMemoryBytes, resourceId } = redisCacheFor(settings, 'redis', cache);
    return {
      connection,
      connect: await nodesOf(connection, clock),
      state: watchState(`redis|${cache}`),
      policy: redis.policy,
      database: connection.database,
      instanceName,
      maxMemoryBytes,
      resource: resourceId ? await resourceMetrics(resourceId) : undefined,
      clock,
      random: Math.random,
      onPing: (node, ms) => measurePing(cache, node, ms),
    };
  };

  /** Looks at a Redis cache, and says what that means for the sign-ins. */
  const watch: JobOn<'redis', WatchRequest> = (cache, started, request = {}, { signal, ...place } = {}) =>
    runJob(runs, {
      job: 'redis',
      subject: cache,
      started,
      dryRun: request.dryRun ?? false,
      place,
      work: async () => watchRedis(await watchContext(cache), { ...request, signal }),
      measure: (report) => measureWatch(cache, report),
    });

  /** One look for a diagnosis: no readings are kept, and no run is recorded. */
  const look = async (cache: string, signal: AbortSignal): Promise<WatchReport> =>
    watchRedis(await watchContext(cache), { dryRun: true, signal });

  /** Deletes every entry under the cache's prefix; a plan, unless confirmed with the cache's name. */
  const clear: JobOn<'clear', ClearRequest> = (cache, started, request = {}, { signal, ...place } = {}) =>
    runJob(runs, {
      job: 'clear',
      subject: cache,
      started,
      dryRun: request.confirm === undefined,
      place,
      work: async ({ runId, soFar, afterwards }) => {
        const { connection, instanceName } = redisCacheFor(settings, 'clear', cache);
        const open = await nodesOf(connection, clock);
        const { timeBudgetMs, pauseRatio } = purge;
        const policy = { timeBudgetMs, timeoutMs: redis.policy.timeoutMs, keysPerCall: 500, pauseRatio };
        const otherPrefixes = settings.redisCaches.map((each) => each.instanceName);
        const context = { connection, connect: open, open, instanceName, ringKeys, otherPrefixes, policy, clock };
        const running = runningState(records, cache, runId, clock);
        afterwards(() => running.forget());
        if (request.confirm !== undefined) running.begin().catch(() => undefined);
        const onProgress = (deleted: number) => {
          running.update(deleted);
          request.onProgress?.(deleted);
        };
        return clearRedisCache(context, cache, { ...request, onProgress, signal }, soFar).finally(() => running.end());
      },
    });

  /** Which keys of a Data Protection ring the cache's entries name. */
  const keyUse = async (cache: string): Promise<KeyUse> => {
    const { connection, instanceName } = redisCacheFor(settings, 'redis', cache);
    const open = await nodesOf(connection, clock);
    const { endpoints } = connection;
    const { timeoutMs } = redis.policy;
    return redisKeyUse({ cache, endpoints, connect: open, open, instanceName, ringKeys, timeoutMs, clock });
  };

  return { watch, look, clear, keyUse };
}

export type RedisMaintenance = ReturnType<typeof redisMaintenance>;
