import { z } from 'zod';
import type { FindingPolicy } from '../findingPolicy.ts';
import type { PurgePolicy } from '../sqlCache/purgeRequest.ts';
import { type CacheSettings, type Environment, readCaches } from './cacheSettings.ts';
import { clearShape } from './clearSettings.ts';
import { findingPolicy, findingShape } from './findingSettings.ts';
import { jobsOfKeyRingSetting, type KeyRingSettings, keyRingShape, readKeyRings } from './keyRingSettings.ts';
import type { JobName, SettingProblem } from './problems.ts';
import { type QueueSettings, queueSettings, queueShape } from './queueSettings.ts';
import { type RecordStoreSettings, readRecordStore, recordStoreShape } from './recordStoreSettings.ts';
import { checkRedisCache, jobsOfRedisSetting, type RedisSettings, redisSettings, redisShape } from './redisSettings.ts';
import { checkSqlCache, jobsOfSqlCacheSetting, purgePolicy, sqlCacheShape } from './sqlCacheSettings.ts';
import { readTelemetryEndpoint } from './telemetryEndpoint.ts';
import { type TelemetrySettings, telemetrySettings, telemetryShape } from './telemetrySettings.ts';

const schema = z.object({
  ...sqlCacheShape,
  ...redisShape,
  ...keyRingShape,
  ...recordStoreShape,
  ...clearShape,
  ...telemetryShape,
  ...queueShape,
  ...findingShape,
});
type Values = z.infer<typeof schema>;
export type SettingName = keyof Values;

/** Every setting that this reader knows, for the documents' test. */
export const settingNames = Object.keys(schema.shape) as SettingName[];

export interface Settings {
  caches: CacheSettings[];
  rings: KeyRingSettings[];
  schedules: { purge: string; index: string; counts: string; redis: string; keyRing: string; findings: string };
  findings: FindingPolicy;
  purge: PurgePolicy;
  /** Rows that a run deletes at most; undefined for no limit. */
  purgeRowLimit: number | undefined;
  statementTimeoutMs: number;
  redis: RedisSettings;
  recordStore: RecordStoreSettings;
  telemetry: TelemetrySettings;
  /** Whether caches may be cleared over HTTP. */
  allowClear: boolean;
  queue: QueueSettings;
  /** Where telemetry goes: a diagnosis sees whether it can be reached. */
  telemetryEndpoint: URL | undefined;
  /** Names, in lower case, of the functions that the host does not run. */
  disabledFunctions: ReadonlySet<string>;
  /** All of them, so that a reader can correct them in one go. Caches that they concern are not in `caches`. */
  problems: SettingProblem[];
}

/**
 * Reads the settings once. Never throws: what is wrong stands in `problems`, and the rest can be used. A wrong setting
 * has its default here; `stops` says which jobs must not run with it.
 */
export function readSettings(env: Environment, defaultRecordStore: 'file' | 'table'): Settings {
  const given = Object.fromEntries(settingNames.map((key) => [key, env[key]?.trim() || undefined]));
  const parsed = schema.safeParse(given);
  const problems: SettingProblem[] = (parsed.error?.issues ?? []).map(({ path, message }) => {
    const setting = String(path[0]);
    const jobs = jobsOf(setting);
    return { setting, message, ...(jobs && { jobs }) };
  });
  const wrong = new Set(problems.map(({ setting }) => setting));
  const values: Values =
    parsed.data ?? schema.parse(Object.fromEntries(Object.entries(given).filter(([key]) => !wrong.has(key))));
  // Without any cache, an app may still keep key rings.
  const ringsAlone = env.KEY_RINGS?.trim() && !env.TOKEN_CACHES && !env.TOKEN_CACHE_CONNECTION_STRING;
  const reading = ringsAlone ? { caches: [], problems: [] } : readCaches(env);
  const rings = readKeyRings(env, values.SCHEDULE_KEY_RING, reading.caches);
  const checked = reading.caches.map((cache) => ({
    cache,
    problem: checkSqlCache(cache) ?? checkRedisCache(cache),
  }));
  return {
    caches: checked.filter(({ problem }) => !problem).map(({ cache }) => cache),
    rings: rings.rings,
    schedules: {
      purge: values.SCHEDULE_PURGE,
      index: values.SCHEDULE_INDEX,
      counts: values.SCHEDULE_COUNTS,
      redis: values.SCHEDULE_REDIS,
      keyRing: values.SCHEDULE_KEY_RING,
      findings: values.SCHEDULE_FINDINGS,
    },
    findings: findingPolicy(values),
    purge: purgePolicy(values),
    purgeRowLimit: values.PURGE_ROW_LIMIT,
    statementTimeoutMs: values.STATEMENT_TIMEOUT,
    redis: redisSettings(values),
    allowClear: values.ALLOW_CLEAR,
    telemetryEndpoint: readTelemetryEndpoint(env),
    recordStore: readRecordStore(values.RECORD_STORE, env, defaultRecordStore),
    telemetry: telemetrySettings(values, wrong),
    queue: queueSettings(values, env),
    disabledFunctions: disabledFunctions(env),
    problems: [
      ...problems,
      // A problem with the caches stops no key ring.
      ...[...reading.problems, ...checked.flatMap(({ problem }) => problem ?? [])].map((problem) => ({
        jobs: ['purge', 'index', 'counts', 'clear', 'redis'] as const,
        ...problem,
      })),
      ...rings.problems,
    ],
  };
}

/** The host switches a function off by `AzureWebJobs.NAME.Disabled`, on Linux by underscores (HostListenerFactory.cs). */
function disabledFunctions(env: Environment): ReadonlySet<string> {
  const names = Object.entries(env).flatMap(([setting, value]) => {
    const [, name] = /^AzureWebJobs[._](\w+?)[._]Disabled$/i.exec(setting) ?? [];
    return name && /^(true|1)$/i.test(value ?? '') ? [name.toLowerCase()] : [];
  });
  return new Set(names);
}

/** The jobs that a wrong setting stops; undefined for all. */
function jobsOf(setting: string): JobName[] | undefined {
  // A wrong one of these has its default, and stops nothing: it is said at each run.
  if (setting in queueShape || setting in findingShape) return [];
  if (setting in sqlCacheShape) return jobsOfSqlCacheSetting(setting);
  // A wrong one forbids.
  if (setting in clearShape) return [];
  if (setting in keyRingShape) return jobsOfKeyRingSetting();
  if (setting in redisShape) return jobsOfRedisSetting(setting);
  // Nothing is worth a run less than what is told of it.
  return setting in telemetryShape ? [] : undefined;
}
