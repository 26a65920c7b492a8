import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { WatchPolicy } from '../redis/policy.ts';
import { bytes, decimal, duration, isTold, readBy, schedule, secretHeld, told, wholeNumber } from './fields.ts';

const percent = () => decimal(0, 100);

/** The text of a PEM file. */
const certificates = readBy((path) => {
  try {
    const text = readFileSync(path, 'utf8');
    return text.includes('-----BEGIN CERTIFICATE-----') ? text : undefined;
  } catch {
    return undefined;
  }
}, 'must name a readable file with certificates in PEM');

const described = (description: string) => ({ description });
const sample = described(
  'Bounds of the sample of keys: calls of SCAN, its COUNT, and the time of all. With 0 calls no key is looked at.',
);
const memory = described('`redis-memory-high`, `redis-memory-critical`: per cent of the maximum in use.');
const full = described('`timeUntilFull`: the time left, by the trend of the records.');
const withoutTtl = described("`keysWithoutTtl`: per cent of the keys of the cache's database that have no expiry.");
const fragmentation = described(
  '`fragmentation`: memory of the process, as a multiple of the memory in use; and the bytes lost below which it does not matter.',
);
const clients = described('`clients`: per cent of the clients that the server allows.');
const ping = described('`slowPing`: 95th percentile of the round trips of PING.');

/** The settings of the watch of Redis caches, with their defaults; docs/reference/settings.md explains each. */
export const redisShape = {
  SCHEDULE_REDIS: schedule.default('0 */5 * * * *').meta({ description: 'When `watchRedis` runs.' }),
  REDIS_TIMEOUT: duration('PT0.5S', 'PT2M').prefault('PT10S').meta({
    description:
      'Deadline of the look at one node. All nodes are looked at side by side, so a run takes at most about twice as long, and once more where Azure Monitor is asked.',
  }),
  REDIS_AUTHENTICATION: z
    .enum(['auto', 'password', 'entra'], { error: 'must be auto, password or entra' })
    .default('auto')
    .meta({
      description:
        "`password`: as the connection string says. `entra`: an Entra token is the password. `auto`: Entra where the host is Azure's and there is no password.",
    }),
  REDIS_CA_FILE: certificates
    .optional()
    .meta({ description: 'A PEM file with certificates of private authorities, trusted beside the public ones.' }),
  REDIS_METRICS_ENDPOINT: z
    .url({ protocol: /^https$/, error: 'must be an https URL' })
    .refine(
      (text) => text.replace(/\/$/, '') === URL.parse(text)?.origin,
      'must be an https URL without path, query or login',
    )
    .refine(isTold, secretHeld)
    .default('https://management.azure.com')
    .meta({
      description:
        'Azure Resource Manager, which is asked for the metrics of the resource: another one in another cloud.',
    }),
  REDIS_PINGS: wholeNumber(1, 1_000).prefault('20').meta({ description: 'PINGs of a look.' }),
  REDIS_SCAN_CALLS: wholeNumber(0, 1_000).prefault('20').meta(sample),
  REDIS_SCAN_COUNT: wholeNumber(1, 1_000).prefault('50').meta(sample),
  REDIS_SCAN_TIME: duration('PT0.01S', 'PT30S').prefault('PT0.5S').meta(sample),
  REDIS_KEY_RING_KEY: told()
    .default('DataProtection-Keys')
    .meta({ description: 'The key under which apps may keep their Data Protection key ring in Redis.' }),
  REDIS_MEMORY_WARNING: percent().prefault('75').meta(memory),
  REDIS_MEMORY_CRITICAL: percent().prefault('90').meta(memory),
  REDIS_FULL_WARNING: duration('PT1H', 'P365D').prefault('P7D').meta(full),
  REDIS_FULL_CRITICAL: duration('PT1M', 'P365D').prefault('P1D').meta(full),
  REDIS_TREND_SPAN: duration('PT1S', 'P7D').prefault('PT1H').meta({
    description: 'Least span of the records that a forecast rests on; it reaches 24 times as far as they do.',
  }),
  REDIS_EVICTED_CRITICAL: percent().prefault('5').meta({
    description: '`redis-evictions`: per cent of the entries evicted since the last look. Any eviction is a warning.',
  }),
  REDIS_WITHOUT_TTL_WARNING: percent().prefault('10').meta(withoutTtl),
  REDIS_WITHOUT_TTL_CRITICAL: percent().prefault('50').meta(withoutTtl),
  REDIS_FRAGMENTATION_WARNING: decimal(1, 100).prefault('1.5').meta(fragmentation),
  REDIS_FRAGMENTATION_WASTE: bytes.prefault('100mb').meta(fragmentation),
  REDIS_CLIENTS_WARNING: percent().prefault('80').meta(clients),
  REDIS_CLIENTS_CRITICAL: percent().prefault('95').meta(clients),
  REDIS_PING_WARNING: duration('PT0.001S', 'PT1M').prefault('PT0.05S').meta(ping),
  REDIS_PING_CRITICAL: duration('PT0.001S', 'PT1M').prefault('PT0.1S').meta(ping),
  REDIS_HIT_RATIO_WARNING: percent().prefault('50').meta({
    description:
      '`hitRatio`: per cent of the look-ups since the last look that found their entry, where there were 100 at least.',
  }),
};
type Values = z.infer<z.ZodObject<typeof redisShape>>;

export function redisSettings(values: Values) {
  const policy: WatchPolicy = {
    timeoutMs: values.REDIS_TIMEOUT,
    pings: values.REDIS_PINGS,
    sample: {
      calls: values.REDIS_SCAN_CALLS,
      keysPerCall: values.REDIS_SCAN_COUNT,
      timeMs: values.REDIS_SCAN_TIME,
    },
    keyRingKey: values.REDIS_KEY_RING_KEY,
    thresholds: {
      memory: { warning: values.REDIS_MEMORY_WARNING, critical: values.REDIS_MEMORY_CRITICAL },
      full: { warning: values.REDIS_FULL_WARNING, critical: values.REDIS_FULL_CRITICAL },
      trendSpanMs: values.REDIS_TREND_SPAN,
      evictedCritical: values.REDIS_EVICTED_CRITICAL,
      withoutTtl: { warning: values.REDIS_WITHOUT_TTL_WARNING, critical: values.REDIS_WITHOUT_TTL_CRITICAL },
      fragmentation: { ratio: values.REDIS_FRAGMENTATION_WARNING, wasteBytes: values.REDIS_FRAGMENTATION_WASTE },
      clients: { warning: values.REDIS_CLIENTS_WARNING, critical: values.REDIS_CLIENTS_CRITICAL },
      ping: { warning: values.REDIS_PING_WARNING, critical: values.REDIS_PING_CRITICAL },
      hitRatio: values.REDIS_HIT_RATIO_WARNING,
    },
  };
  return { policy, metricsEndpoint: values.REDIS_METRICS_ENDPOINT };
}
