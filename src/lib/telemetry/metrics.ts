import { type Counter, type Gauge, type Histogram, type Meter, metrics } from '@opentelemetry/api';

export const meterName = 'token-cache-maintenance';

/** What exporters tell of a metric, and the attributes of its values, each from a bounded set. */
interface Metric {
  readonly name: string;
  readonly kind: 'gauge' | 'counter' | 'histogram';
  readonly unit: string;
  readonly attributes: readonly string[];
  readonly description: string;
}

/**
 * Every metric, in one table. Alerts and workbook may name no other. Without an SDK registered, the API's instruments do
 * nothing.
 */
export const instruments = {
  entries: gauge('token_cache.entries', '{entry}', ['cache', 'state'], 'Entries; state = active or expired'),
  size: gauge('token_cache.size', 'By', ['cache', 'part'], 'Bytes of the table; part = data or index'),
  oldestExpiredAge: gauge(
    'token_cache.oldest_expired_age',
    's',
    ['cache'],
    'Time since the oldest expired entry expired; 0 where none has',
  ),
  expiryIndexPresent: gauge(
    'token_cache.expiry_index.present',
    '1',
    ['cache'],
    '1 where a usable index leads with the expiry',
  ),
  purgeDeleted: counter('token_cache.purge.deleted', '{entry}', ['cache', 'trigger'], 'Expired entries deleted'),
  purgeBatchDuration: histogram('token_cache.purge.batch.duration', 's', ['cache'], 'Time of a batch'),
  redisMemoryUsed: gauge('redis.memory.used', 'By', ['cache', 'node'], 'Memory in use'),
  redisMemoryMax: gauge('redis.memory.max', 'By', ['cache', 'node'], 'Memory allowed; 0 for no limit'),
  redisMemoryUtilization: gauge(
    'redis.memory.utilization',
    '1',
    ['cache', 'node'],
    'Memory in use, of the memory allowed, where that is known',
  ),
  redisFragmentation: gauge(
    'redis.memory.fragmentation_ratio',
    '1',
    ['cache', 'node'],
    'Memory of the process, of the memory in use',
  ),
  redisEvicted: counter('redis.keys.evicted', '{key}', ['cache', 'node'], 'Keys evicted'),
  redisExpired: counter('redis.keys.expired', '{key}', ['cache', 'node'], 'Keys expired'),
  redisWithoutTtl: gauge(
    'redis.keys.without_ttl.ratio',
    '1',
    ['cache', 'node'],
    "Keys without expiry, of the keys of the cache's database",
  ),
  redisUp: gauge('redis.up', '1', ['cache', 'node'], '1 where the node could be looked at, else 0'),
  redisHitRatio: gauge('redis.keyspace.hit_ratio', '1', ['cache', 'node'], 'Look-ups that found their key'),
  redisPing: histogram(
    'redis.ping.duration',
    's',
    ['cache', 'node'],
    'Round trip of a PING that the event loop of this process did not delay',
  ),
  appHitRatio: gauge(
    'token_cache.app.hit_ratio',
    '1',
    ['cache', 'level'],
    'Tokens found, of those looked for by the web app; level = l1, l2 or all',
  ),
  appCalls: gauge(
    'token_cache.app.calls',
    '{call}',
    ['cache', 'kind'],
    'Calls for tokens in the time of a look (APP_WINDOW); kind = l1Hits, l2Hits, misses, lost, signIns, failures, …',
  ),
  appLatency: gauge(
    'token_cache.app.latency',
    's',
    ['cache', 'level'],
    'Mean time of a hit in memory (l1) or in the distributed cache (l2)',
  ),
  appUnreadable: gauge(
    'token_cache.app.unreadable',
    '{entry}',
    ['cache'],
    'Calls that failed over an entry that cannot be read, in the time of a look',
  ),
  appStoreErrors: gauge(
    'token_cache.app.store_errors',
    '{error}',
    ['cache'],
    'Errors of the distributed cache that the web app logged, in the time of a look',
  ),
  appProviderTokens: gauge(
    'token_cache.app.provider_tokens_per_user',
    '{token}',
    ['cache'],
    'Tokens from the identity provider for each user, in the time of a look',
  ),
  appMemory: gauge('token_cache.app.memory', 'By', ['cache'], 'Memory of the largest process of the web app'),
  appMemoryGrowth: gauge(
    'token_cache.app.memory_growth',
    'By/h',
    ['cache'],
    "Growth of the web app's process that grows most",
  ),
  keyRingKeys: gauge('key_ring.keys', '{key}', ['ring', 'state'], 'Keys of a ring by state'),
  defaultKeyTimeToExpiry: gauge(
    'key_ring.default_key.time_to_expiry',
    's',
    ['ring'],
    'Time until the default key expires; 0 where there is none',
  ),
  newestKeyAge: gauge(
    'key_ring.newest_key.age',
    's',
    ['ring'],
    'Time since the newest key was created: what tells a ring that rotates from one that has stopped',
  ),
  protectorTimeToExpiry: gauge(
    'key_ring.protector.time_to_expiry',
    's',
    ['ring'],
    'Time until the Key Vault key version or certificate that protects new keys expires',
  ),
  keyRingRotations: counter(
    'key_ring.rotations',
    '{key}',
    ['ring', 'reason'],
    'Keys published; reason = empty, noDefault, successor or revoked',
  ),
  findings: gauge(
    'maintenance.findings',
    '{finding}',
    ['check', 'level', 'subject'],
    'Findings that stand, by check, level and subject; 0 once for each that went',
  ),
  heartbeat: counter(
    'maintenance.heartbeat',
    '{judgement}',
    [],
    'Judgements of the findings, one every few minutes: silence means that the app, or its telemetry, is dead',
  ),
  timerLateness: gauge(
    'maintenance.timer.lateness',
    's',
    ['job'],
    'How much later than due a timer is, job being its function; 0 where it is not',
  ),
  queuePoison: gauge(
    'maintenance.queue.poison',
    '{message}',
    ['queue'],
    'Messages of the work queue that failed five times',
  ),
  runs: counter(
    'maintenance.runs',
    '{run}',
    ['job', 'subject', 'outcome', 'dryRun'],
    'Runs; outcome = succeeded, failed, refused, skipped or aborted',
  ),
  runDuration: histogram('maintenance.run.duration', 's', ['job', 'subject'], 'Time of a run'),
};

interface Recorder<A extends string> extends Metric {
  record(value: number, values: Record<A, string>): void;
}
interface Adder<A extends string> extends Metric {
  add(value: number, values: Record<A, string>): void;
}

function gauge<A extends string>(name: string, unit: string, attributes: A[], description: string): Recorder<A> {
  const instrument = once<Gauge>((meter) => meter.createGauge(name, { unit, description }));
  const record = measure((value, values: Record<A, string>) => instrument().record(value, values));
  return { name, kind: 'gauge', unit, attributes, description, record };
}

function counter<A extends string>(name: string, unit: string, attributes: A[], description: string): Adder<A> {
  const instrument = once<Counter>((meter) => meter.createCounter(name, { unit, description }));
  const add = measure((value, values: Record<A, string>) => instrument().add(value, values));
  return { name, kind: 'counter', unit, attributes, description, add };
}

function histogram<A extends string>(name: string, unit: string, attributes: A[], description: string): Recorder<A> {
  const instrument = once<Histogram>((meter) => meter.createHistogram(name, { unit, description }));
  const record = measure((value, values: Record<A, string>) => instrument().record(value, values));
  return { name, kind: 'histogram', unit, attributes, description, record };
}

/** What is measured before there is a meter provider; undefined where none is to come, or it has come. */
let held: (() => void)[] | undefined;

/** From now on measurements are held, until the function that is given back hands them to the meter provider. */
export function holdMeasurements(): () => void {
  const measurements: (() => void)[] = [];
  held = measurements;
  return () => {
    held = undefined;
    for (const hand of measurements) hand();
  };
}

function measure<V>(hand: (value: number, values: V) => void): (value: number, values: V) => void {
  return (value, values) => (held ? held.push(() => hand(value, values)) : hand(value, values));
}

/**
 * An instrument of the meter provider that is registered when it is used. The API has no proxy for meters: one made before
 * the SDK is registered would do nothing for ever, and this module may be imported before.
 */
function once<I>(create: (meter: Meter) => I): () => I {
  let made: { provider: object; instrument: I } | undefined;
  return () => {
    const provider = metrics.getMeterProvider();
    if (made?.provider !== provider) made = { provider, instrument: create(provider.getMeter(meterName)) };
    return made.instrument;
  };
}
