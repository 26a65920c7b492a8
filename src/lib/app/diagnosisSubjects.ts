import { redisProbe } from '../findings/diagnosis/connection/redisProbe.ts';
import { sqlProbe } from '../findings/diagnosis/connection/sqlProbe.ts';
import { redisAdvice, sqlAdvice } from '../findings/diagnosis/connection/stringAdvice.ts';
import type { CacheSubjectOptions } from '../findings/diagnosis/subjects/cacheSubject.ts';
import { type RedisSubject, redisCacheSubject } from '../findings/diagnosis/subjects/redisSubject.ts';
import { type SqlSubject, sqlCacheSubject } from '../findings/diagnosis/subjects/sqlSubject.ts';
import { intervalOf } from '../findings/timers.ts';
import { throughSentinel } from '../redis/sentinel.ts';
import type { WatchReport } from '../redis/watchReport.ts';
import { readHistory } from '../runs/history.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Settings } from '../settings/settings.ts';
import type { RedisCache, SqlCache } from '../settings/subjects.ts';
import { openTable } from './cacheTables.ts';
import { nodesOf } from './redisNodes.ts';

/** Subjects of a diagnosis, from the settings of a cache. */

/** A statement that takes longer has shown what there is to show. */
const statementLimitMs = 8_000;
/** Below the limit of a step, so that the server's own reason is told. */
export const probeLimitMs = 4_000;

export interface SubjectDeps extends Pick<CacheSubjectOptions, 'rings' | 'showKey' | 'clock' | 'signal'> {
  settings: Settings;
  records: RecordStore;
}

/** The caller closes what it gets. */
export async function sqlSubject(
  cache: SqlCache,
  { settings, records, ...deps }: SubjectDeps,
): Promise<{ subject: SqlSubject; close: () => Promise<void> }> {
  const { name, kind, connection } = cache;
  const timeout = (limitMs: number) => Math.min(limitMs, settings.statementTimeoutMs);
  const openAnother = () => openTable(cache, timeout(statementLimitMs), deps.clock);
  const table = await openAnother();
  const subject = sqlCacheSubject({
    ...deps,
    name,
    table,
    openAnother,
    probe: sqlProbe(cache, () => openTable(cache, timeout(probeLimitMs), deps.clock)),
    advice: sqlAdvice[kind](connection),
    history: (job, count) => readHistory(records, job, name, count, deps.clock.now()),
    indexMode: cache.index,
    purgeEveryMs: intervalOf(settings.schedules.purge, deps.clock.now()),
    backlogRuns: settings.findings.backlogRuns,
  });
  return { subject, close: () => table.close() };
}

/** The caller closes what it gets. */
export async function redisSubject(
  { name, connection, instanceName }: RedisCache,
  { settings, records: _, ...deps }: SubjectDeps,
  watch: () => Promise<WatchReport>,
): Promise<{ subject: RedisSubject; close: () => Promise<void> }> {
  const connect = throughSentinel(await nodesOf(connection, deps.clock));
  const [endpoint = { host: 'localhost', port: 6379 }] = connection.endpoints;
  const subject = redisCacheSubject({
    ...deps,
    name,
    endpoint,
    connect,
    database: connection.database,
    instanceName,
    keyRingKey: settings.redis.policy.keyRingKey,
    probe: redisProbe(connection, connect),
    advice: redisAdvice(connection),
    watch,
  });
  return { subject, close: async () => subject.close() };
}
