import { z } from 'zod';
import type { StorageAddress } from '../azure/storage.ts';
import type { QueueSettings } from '../queue/dispatch.ts';
import { decimal, duration, wholeNumber } from './fields.ts';

export const queueShape = {
  WORK_QUEUE: z.enum(['auto', 'always', 'never'], { error: 'must be auto, always or never' }).default('auto').meta({
    description:
      '`auto`: timers queue their work when there are more caches than the next setting says. `always`. `never`: nothing is queued, no continuation and no request over HTTP either.',
  }),
  WORK_QUEUE_ABOVE: wholeNumber(0, 10_000)
    .prefault('5')
    .meta({ description: 'With more caches than this, SQL and Redis together, the timers queue.' }),
  // A queue's name has at most 63 characters, and the poison queue's ends in -poison ("Naming Queues and Metadata").
  WORK_QUEUE_NAME: z
    .string()
    .regex(
      /^(?!.*--)[a-z0-9][a-z0-9-]{1,54}[a-z0-9]$/,
      'must have 3 to 56 of a-z, 0-9 and -, begin and end with a letter or digit, and have no two - in a row',
    )
    .default('token-cache-maintenance')
    .meta({
      description:
        'Name of the queue; what failed 5 times is in the queue of that name with `-poison`. Function apps that share a storage account need one each.',
    }),
  SERVER_CONCURRENCY: wholeNumber(1, 100).prefault('5').meta({
    description:
      "So many purges and index builds at once on the caches of one database server (host and port), and beside them as many counts. Over all instances for what comes from the queue; else within a timer's instance.",
  }),
  PURGE_CONTINUATIONS: wholeNumber(0, 100_000).prefault('250').meta({
    description:
      "A purge of a timer or of the queue whose time was up with expired entries left, and which had not paused for the database's sake, queues its continuation: at most so many for a cache within the next setting's time. `0`: none.",
  }),
  PURGE_CONTINUATION_PERIOD: duration('PT1M', 'P30D')
    .prefault('P1D')
    .meta({ description: 'The time in which so many continuations are counted.' }),
  PURGE_CONTINUATION_PAUSE: decimal(0, 100)
    .prefault('0.1')
    .meta({ description: "The wait before a continuation, as a share of the part's own time; 1 second at least." }),
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
