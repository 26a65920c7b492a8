import { z } from 'zod';
import type { StorageAddress } from '../azure/storage.ts';
import type { QueueSettings } from '../queue/dispatch.ts';
import { decimal, duration, wholeNumber } from './fields.ts';

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
  SERVER_CONCURRENCY: wholeNumber(1, 100).prefault('5'),
  PURGE_CONTINUATIONS: wholeNumber(0, 100_000).prefault('250'),
  PURGE_CONTINUATION_PERIOD: duration('PT1M', 'P30D').prefault('P1D'),
  PURGE_CONTINUATION_PAUSE: decimal(0, 100).prefault('0.1'),
};
type Values = z.infer<z.ZodObject<typeof queueShape>>;

export function queueSettings(
  values: Values,
  { queues, blobs }: { queues: StorageAddress | undefined; blobs: StorageAddress | undefined },
): QueueSettings {
  return {
    mode: values.WORK_QUEUE,
    aboveCaches: values.WORK_QUEUE_ABOVE,
    name: values.WORK_QUEUE_NAME,
    serverConcurrency: values.SERVER_CONCURRENCY,
    continuation: {
      pauseRatio: values.PURGE_CONTINUATION_PAUSE,
      limit: values.PURGE_CONTINUATIONS,
      periodMs: values.PURGE_CONTINUATION_PERIOD,
    },
    storage: queues && blobs && { queues, blobs },
  };
}
