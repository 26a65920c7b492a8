import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { WatchPolicy } from '../redis/policy.ts';
import { bytes, decimal, duration, schedule, wholeNumber } from './fields.ts';

const percent = () => decimal(0, 100);

/** The text of a PEM file. */
const certificates = z.string().transform((path, context) => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch {
    // As a file without a certificate.
  }
  context.addIssue({ code: 'custom', message: 'must name a readable file with certificates in PEM' });
  return z.NEVER;
});

/** The settings of the watch of Redis caches, with their defaults; docs/reference/settings.md explains each. */
export const redisShape = {
  SCHEDULE_REDIS: schedule.default('0 */5 * * * *'),
  REDIS_TIMEOUT: duration('PT0.5S', 'PT2M').prefault('PT10S'),
  REDIS_AUTHENTICATION: z
    .enum(['auto', 'password', 'entra'], { error: 'must be auto, password or entra' })
    .default('auto'),
  REDIS_CA_FILE: certificates.optional(),
  REDIS_METRICS_ENDPOINT: z
    .url({ protocol: /^https$/, error: 'must be an https URL' })
    .refine(
      (text) => text.replace(/\/$/, '') === URL.parse(text)?.origin,
      'must be an https URL without path, query or login',
    )
    .default('https://management.azure.com'),
  REDIS_PINGS: wholeNumber(1, 1_000).prefault('20'),
  REDIS_SCAN_CALLS: wholeNumber(0, 1_000).prefault('20'),
  REDIS_SCAN_COUNT: wholeNumber(1, 1_000).prefault('50'),
  REDIS_SCAN_TIME: duration('PT0.01S', 'PT30S').prefault('PT0.5S'),
  REDIS_KEY_RING_KEY: z.string().default('DataProtection-Keys'),
  REDIS_MEMORY_WARNING: percent().prefault('75'),
  REDIS_MEMORY_CRITICAL: percent().prefault('90'),
  REDIS_FULL_WARNING: duration('PT1H', 'P365D').prefault('P7D'),
  REDIS_FULL_CRITICAL: duration('PT1M', 'P365D').prefault('P1D'),
  REDIS_TREND_SPAN: duration('PT1S', 'P7D').prefault('PT1H'),
  REDIS_EVICTED_CRITICAL: percent().prefault('5'),
  REDIS_WITHOUT_TTL_WARNING: percent().prefault('10'),
  REDIS_WITHOUT_TTL_CRITICAL: percent().prefault('50'),
  REDIS_FRAGMENTATION_WARNING: decimal(1, 100).prefault('1.5'),
  REDIS_FRAGMENTATION_WASTE: bytes.prefault('100mb'),
  REDIS_CLIENTS_WARNING: percent().prefault('80'),
  REDIS_CLIENTS_CRITICAL: percent().prefault('95'),
  REDIS_PING_WARNING: duration('PT0.001S', 'PT1M').prefault('PT0.05S'),
  REDIS_PING_CRITICAL: duration('PT0.001S', 'PT1M').prefault('PT0.1S'),
  REDIS_HIT_RATIO_WARNING: percent().prefault('50'),
};
type Values = z.infer<z.ZodObject<typeof redisShape>>;

export interface RedisSettings {
  policy: WatchPolicy;
  /** Azure Monitor's address; undefined: by the region in the host's name. */
  metricsEndpoint: string;
}

export function redisSettings(values: Values): RedisSettings {
  return {
    policy: {
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
    },
    metricsEndpoint: values.REDIS_METRICS_ENDPOINT,
  };
}
