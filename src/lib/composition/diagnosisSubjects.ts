import type { ClientConfig } from 'pg';
import type { Clock } from '../clock.ts';
import { redisProbe } from '../diagnosis/connection/redisProbe.ts';
import { type SqlTarget, sqlProbe } from '../diagnosis/connection/sqlProbe.ts';
import { postgresAdvice, redisAdvice, sqlServerAdvice } from '../diagnosis/connection/stringAdvice.ts';
import type { RingKnowledge } from '../diagnosis/entries/entriesSubject.ts';
import type { ShowKey } from '../diagnosis/shownKey.ts';
import { RedisSubject } from '../diagnosis/subjects/redisSubject.ts';
import { SqlSubject } from '../diagnosis/subjects/sqlSubject.ts';
import { intervalOf } from '../findings/timers.ts';
import { parseConnectionString as parseRedis } from '../redisCache/connectionString.ts';
import type { WatchReport } from '../redisCache/watchReport.ts';
import { readHistory } from '../runs/history.ts';
import type { RecordStore } from '../runs/recordStore.ts';
import type { CacheSettings } from '../settings/cacheSettings.ts';
import type { Settings } from '../settings/settings.ts';
import { parseConnectionString as parsePostgres } from '../sqlCache/postgres/connectionString.ts';
import { parseConnectionString as parseSqlServer } from '../sqlCache/sqlServer/connectionString.ts';
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
  cache: CacheSettings,
  { settings, clock, records, showKey, signal, rings }: SubjectDeps,
): Promise<{ subject: SqlSubject; close: () => Promise<void> }> {
  const timeout = (limitMs: number) => Math.min(limitMs, settings.statementTimeoutMs);
  const table = await openTable(cache, timeout(statementLimitMs));
  const { target, advice } = targetOf(cache);
  const probe = sqlProbe({ ...target, open: () => openTable(cache, timeout(probeLimitMs)) });
  const subject = new SqlSubject({
    name: cache.name,
    table,
    openAnother: () => openTable(cache, timeout(statementLimitMs)),
    probe,
    advice,
    rings,
    history: (job, count) => readHistory(records, job, cache.name, count),
    purgeEveryMs: intervalOf(settings.schedules.purge, clock.now()),
    showKey,
    clock,
    signal,
  });
  return { subject, close: () => table.close() };
}

function targetOf({ engine, connectionString: text }: CacheSettings) {
  if (engine === 'postgres') {
    const config = parsePostgres(text, async () => '');
    const host = config.host ?? 'localhost';
    const tls = postgresTls(config.ssl, host);
    const target: Omit<SqlTarget, 'open'> = { engine, host, port: config.port ?? 5432, tls };
    return { target, advice: postgresAdvice(text, host, tls !== undefined) };
  }
  const { server: host, config } = parseSqlServer(text);
  const { encrypt, trustServerCertificate, serverName, instanceName } = config.options ?? {};
  const strict = (encrypt as unknown) === 'strict';
  const target: Omit<SqlTarget, 'open'> = {
    engine: 'sqlserver',
    host,
    port: config.port ?? (instanceName ? undefined : 1433),
    tls:
      encrypt === false
        ? undefined
        : {
            name: serverName || host,
            // TDS 8 checks the certificate whatever TrustServerCertificate says.
            checked: strict || !trustServerCertificate,
            ...(strict && { direct: true }),
          },
  };
  return { target, advice: sqlServerAdvice(text, host) };
}

function postgresTls(ssl: ClientConfig['ssl'], host: string): SqlTarget['tls'] {
  if (!ssl) return undefined;
  if (ssl === true) return { name: host, checked: true };
  return {
    name: host,
    checked: ssl.rejectUnauthorized !== false,
    anyName: ssl.checkServerIdentity !== undefined,
    ...(typeof ssl.ca === 'string' && { ca: ssl.ca }),
  };
}

/** The caller closes what it gets. */
export async function redisSubject(
  cache: CacheSettings,
  { settings, clock, showKey, signal, rings }: SubjectDeps,
  watch: () => Promise<WatchReport>,
): Promise<{ subject: RedisSubject; close: () => Promise<void> }> {
  const connection = parseRedis(cache.connectionString);
  const connect = await connectorTo(connection, settings.redis, clock);
  const [endpoint = { host: 'localhost', port: 6379 }] = connection.endpoints;
  const subject = new RedisSubject({
    name: cache.name,
    endpoint,
    connect,
    database: connection.database,
    instanceName: cache.instanceName,
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
