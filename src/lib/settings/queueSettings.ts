import { z } from 'zod';
import type { Environment } from './cacheSettings.ts';
import { decimal, duration, wholeNumber } from './fields.ts';

/** How to reach a service of the function app's storage account. */
export type StorageAddress =
  | { connectionString: string }
  /** By identity: a user-assigned one where its client id is given. */
  | { endpoint: string; clientId: string | undefined };

/** When a purge queues its own continuation. */
export interface ContinuationPolicy {
  /** The wait before it, as a share of the part's own time. */
  pauseRatio: number;
  /** Continuations of a cache within `periodMs`, at most. */
  limit: number;
  periodMs: number;
}

export interface QueueSettings {
  /** `auto`: by the number of caches. */
  mode: 'auto' | 'always' | 'never';
  /** With more caches than this, the timers queue their work. */
  aboveCaches: number;
  name: string;
  /** Time after which another instance takes over the purge of one that died. */
  takeoverMs: number;
  /** Runs at once on the caches of one database server. */
  serverConcurrency: number;
  continuation: ContinuationPolicy;
  /** Undefined where the settings name no storage account: there is no queue then. */
  storage: { queues: StorageAddress; blobs: StorageAddress } | undefined;
}

export const queueShape = {
  WORK_QUEUE: z.enum(['auto', 'always', 'never'], { error: 'must be auto, always or never' }).default('auto'),
  WORK_QUEUE_ABOVE: wholeNumber(0, 10_000).prefault('5'),
  // A queue's name has at most 63 characters, and the poison queue's ends in -poison ("Naming Queues and Metadata").
  WORK_QUEUE_NAME: z
    .string()
    .regex(
      /^(?!.*--)[a-z0-9][a-z0-9-]{1,54}[a-z0-9]$/,
      'must have 3 to 56 of a-z, 0-9 and -, begin and end with a letter or digit, and have no two - in a row',
    )
    .default('token-cache-maintenance'),
  WORK_QUEUE_TAKEOVER: duration('PT2S', 'PT10M').prefault('PT1M'),
  SERVER_CONCURRENCY: wholeNumber(1, 100).prefault('5'),
  PURGE_CONTINUATIONS: wholeNumber(0, 100_000).prefault('250'),
  PURGE_CONTINUATION_PERIOD: duration('PT1M', 'P30D').prefault('P1D'),
  PURGE_CONTINUATION_PAUSE: decimal(0, 100).prefault('0.1'),
};
type Values = z.infer<z.ZodObject<typeof queueShape>>;

export function queueSettings(values: Values, env: Environment): QueueSettings {
  const queues = addressOf('queue', env);
  const blobs = addressOf('blob', env);
  return {
    mode: values.WORK_QUEUE,
    aboveCaches: values.WORK_QUEUE_ABOVE,
    name: values.WORK_QUEUE_NAME,
    takeoverMs: values.WORK_QUEUE_TAKEOVER,
    serverConcurrency: values.SERVER_CONCURRENCY,
    continuation: {
      pauseRatio: values.PURGE_CONTINUATION_PAUSE,
      limit: values.PURGE_CONTINUATIONS,
      periodMs: values.PURGE_CONTINUATION_PERIOD,
    },
    storage: queues && blobs && { queues, blobs },
  };
}

/** By the settings that the Functions host itself uses, as of its record table. */
function addressOf(service: 'queue' | 'blob', env: Environment): StorageAddress | undefined {
  const connectionString = env.AzureWebJobsStorage?.trim();
  if (connectionString) return { connectionString };
  const account = env.AzureWebJobsStorage__accountName?.trim();
  const endpoint =
    env[`AzureWebJobsStorage__${service}ServiceUri`]?.trim() ||
    (account && `https://${account}.${service}.core.windows.net`);
  return endpoint ? { endpoint, clientId: env.AzureWebJobsStorage__clientId?.trim() || undefined } : undefined;
}
