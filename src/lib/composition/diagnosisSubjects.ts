import type { Clock } from '../clock.ts';
import { redisProbe } from '../diagnosis/connection/redisProbe.ts';
import { sqlProbe } from '../diagnosis/connection/sqlProbe.ts';
import { redisAdvice, sqlAdvice } from '../diagnosis/connection/stringAdvice.ts';
import type { RingKnowledge } from '../diagnosis/entries/entriesSubject.ts';
import type { ShowKey } from '../diagnosis/shownKey.ts';
import { RedisSubject } from '../diagnosis/subjects/redisSubject.ts';
import { SqlSubject } from '../diagnosis/subjects/sqlSubject.ts';
import { intervalOf } from '../findings/timers.ts';
import type { WatchReport } from '../redisCache/watchReport.ts';
import { readHistory } from '../runs/history.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { Settings } from '../settings/settings.ts';
import type { RedisCache, SqlCache } from '../settings/subjects.ts';
import { openTable } from './cacheTables.ts';
import { connectorTo } from './redisNodes.ts';

/** Subjects of a diagnosis, from the settings of a cache. */

/** A statement that takes longer has shown what there is to show. */
const statementLimitMs = 8_000;
/** Below the limit of a step, so that the server's own reason is told. */
const probeLimitMs = 4_000;

export interface SubjectDeps {
  settings: Settings;
  clock: Clock;
  records: RecordStore;
  showKey: ShowKey;
  signal: AbortSignal;
  rings: () => Promise<RingKnowledge[]>;
}

/** The caller closes what it gets. */
export async function sqlSubject(
  cache: SqlCache,
  { settings, clock, records, showKey, signal, rings }: SubjectDeps,
): Promise<{ subject: SqlSubject; close: () => Promise<void> }> {
  const timeout = (limitMs: number) => Math.min(limitMs, settings.statementTimeoutMs);
  const table = await openTable(cache, timeout(statementLimitMs));
  const probe = sqlProbe(cache, () => openTable(cache, timeout(probeLimitMs)));
  const subject = new SqlSubject({
    name: cache.name,
    table,
    openAnother: () => openTable(cache, timeout(statementLimitMs)),
    probe,
    advice: sqlAdvice[cache.kind](cache.connection),
    rings,
    history: (job, count) => readHistory(records, job, cache.name, count),
    purgeEveryMs: intervalOf(settings.schedules.purge, clock.now()),
    showKey,
    clock,
    signal,
  });
  return { subject, close: () => table.close() };
}

/** The caller closes what it gets. */
export async function redisSubject(
  { name, connection, instanceName }: RedisCache,
  { settings, clock, showKey, signal, rings }: SubjectDeps,
  watch: () => Promise<WatchReport>,
): Promise<{ subject: RedisSubject; close: () => Promise<void> }> {
  const connect = await connectorTo(connection, settings.redis, clock);
  const [endpoint = { host: 'localhost', port: 6379 }] = connection.endpoints;
  const subject = new RedisSubject({
    name,
    endpoint,
    connect,
    database: connection.database,
    instanceName,
    keyRingKey: settings.redis.policy.keyRingKey,
    probe: redisProbe(connection, connect, settings.redis.ca),
    advice: redisAdvice(connection),
    rings,
    watch,
    showKey,
    clock,
    signal,
  });
  return { subject, close: async () => subject.close() };
}
