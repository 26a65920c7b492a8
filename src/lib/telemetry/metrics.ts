import { metrics } from '@opentelemetry/api';

export const meterName = 'token-cache-maintenance';

const meter = metrics.getMeter(meterName);

/**
 * Every metric, in one table. Alerts and workbook may name no other. Without an SDK registered, the API's instruments do
 * nothing.
 */
export const instruments = {
  entries: meter.createGauge('token_cache.entries', {
    unit: '{entry}',
    description: 'Entries; state = active or expired',
  }),
  size: meter.createGauge('token_cache.size', { unit: 'By', description: 'Bytes of the table; part = data or index' }),
  oldestExpiredAge: meter.createGauge('token_cache.oldest_expired_age', {
    unit: 's',
    description: 'Time since the oldest expired entry expired',
  }),
  expiryIndexPresent: meter.createGauge('token_cache.expiry_index.present', {
    unit: '1',
    description: '1 where a usable index leads with the expiry',
  }),
  purgeDeleted: meter.createCounter('token_cache.purge.deleted', {
    unit: '{entry}',
    description: 'Expired entries deleted',
  }),
  purgeBatchDuration: meter.createHistogram('token_cache.purge.batch.duration', {
    unit: 's',
    description: 'Time of a batch',
  }),
  redisMemoryUsed: meter.createGauge('redis.memory.used', { unit: 'By', description: 'Memory in use' }),
  redisMemoryMax: meter.createGauge('redis.memory.max', { unit: 'By', description: 'Memory allowed; 0 for no limit' }),
  redisMemoryUtilization: meter.createGauge('redis.memory.utilization', {
    unit: '1',
    description: 'Memory in use, of the memory allowed',
  }),
  redisFragmentation: meter.createGauge('redis.memory.fragmentation_ratio', {
    unit: '1',
    description: 'Memory of the process, of the memory in use',
  }),
  redisEvicted: meter.createCounter('redis.keys.evicted', { unit: '{key}', description: 'Keys evicted' }),
  redisExpired: meter.createCounter('redis.keys.expired', { unit: '{key}', description: 'Keys expired' }),
  redisWithoutTtl: meter.createGauge('redis.keys.without_ttl.ratio', {
    unit: '1',
    description: "Keys without expiry, of the keys of the cache's database",
  }),
  redisUp: meter.createGauge('redis.up', { unit: '1', description: '1 where the node could be looked at, else 0' }),
  redisHitRatio: meter.createGauge('redis.keyspace.hit_ratio', {
    unit: '1',
    description: 'Look-ups that found their key',
  }),
  redisPing: meter.createHistogram('redis.ping.duration', { unit: 's', description: 'Round trip of a PING' }),
  keyRingKeys: meter.createGauge('key_ring.keys', { unit: '{key}', description: 'Keys of a ring by state' }),
  defaultKeyTimeToExpiry: meter.createGauge('key_ring.default_key.time_to_expiry', {
    unit: 's',
    description: 'Time until the default key expires; 0 where there is none',
  }),
  newestKeyAge: meter.createGauge('key_ring.newest_key.age', {
    unit: 's',
    description: 'Time since the newest key was created: what tells a ring that rotates from one that has stopped',
  }),
  protectorTimeToExpiry: meter.createGauge('key_ring.protector.time_to_expiry', {
    unit: 's',
    description: 'Time until the Key Vault key version or certificate that protects new keys expires',
  }),
  keyRingRotations: meter.createCounter('key_ring.rotations', {
    unit: '{key}',
    description: 'Keys published; reason = empty, noDefault, successor or revoked',
  }),
  findings: meter.createGauge('maintenance.findings', {
    unit: '{finding}',
    description: 'What somebody should look at, by check, level and subject',
  }),
  queuePoison: meter.createGauge('maintenance.queue.poison', {
    unit: '{message}',
    description: 'Messages of the work queue that failed too often',
  }),
  runs: meter.createCounter('maintenance.runs', { unit: '{run}', description: 'Runs by outcome' }),
  runDuration: meter.createHistogram('maintenance.run.duration', { unit: 's', description: 'Time of a run' }),
};
